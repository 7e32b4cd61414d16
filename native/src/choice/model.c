/* SPDX-License-Identifier: Apache-2.0 */
#include "choice/model.h"

#include "choice/sizes.h"
#include "core/type.h"
#include "kernels/table.h"
#include "tiles/indirection.h"

static float larger(float a, float b) {
    return a > b ? a : b;
}

/* Cycles that a tile takes for one product of each of its outputs: the longest of multiplying, loading (a value of A
 * for each row, with the vectors of B), and the way of a sum through its chain. */
static float cycles_of_step(const ic_cost *cost, unsigned rows, unsigned vectors) {
    const float multiply = (float)(rows * vectors) / cost->fmas;
    const float load = ((float)rows / cost->values_per_load + (float)vectors) / cost->loads;
    return larger(larger(multiply, load), cost->chain);
}

/* Cycles for one product of each output of an image. */
static float cycles_of(const ic_kernel *kernel, ic_core_class kind, size_t outputs, size_t pixels) {
    const ic_cost *cost = &kernel->cost;
    const ic_tiling tiling = ic_make_tiling(pixels, kernel->rows);
    float cycles = 0;
    for (size_t first = 0; first < outputs; first += kernel->columns) {
        const size_t columns = outputs - first < kernel->columns ? outputs - first : kernel->columns;
        const unsigned vectors = (unsigned)((columns + cost->width - 1) / cost->width);
        const unsigned least = cost->whole_panels ? kernel->columns / cost->width : vectors;
        cycles += (float)tiling.tall * cycles_of_step(cost, tiling.tall_rows, least) +
                  (float)tiling.low * cycles_of_step(cost, tiling.low_rows, least);
    }
    return cycles / cost->share_of_model[kind];
}

float ic_cycles_of_product(const ic_core *core, const ic_kernel *kernel, size_t outputs, size_t pixels) {
    return cycles_of(kernel, core->kind, outputs, pixels);
}

const ic_kernel *ic_choose_kernel(const ic_core *core, ic_type type, size_t outputs, size_t pixels) {
    const ic_kernel *best = NULL, *kernel;
    float least = 0;
    for (unsigned i = 0; (kernel = ic_kernel_table(i)) != NULL; i++) {
        if (kernel->type != type || (kernel->needs & ~core->features) != 0) {
            continue;
        }
        const float cycles = cycles_of(kernel, core->kind, outputs, pixels);
        if (best == NULL || cycles < least) {
            best = kernel;
            least = cycles;
        }
    }
    return best;
}

static unsigned at_least(size_t tiles, unsigned least) {
    return tiles > 4096 ? 4096 : tiles < least ? least : (unsigned)tiles;
}

/* Tiles whose part of `bytes`, which all tiles share evenly, fills `room`. */
static unsigned tiles_in(size_t room, size_t bytes, size_t tiles) {
    return at_least((size_t)((double)tiles * (double)room / (double)bytes), 8);
}

enum { FEW_TILES = 8, SOME_TILES = 32, MANY_PANELS = 16, LINE_BYTES = 64 };

/* Blocks for tiles that read some bytes between them, once for each panel where the panels are outside.
 *
 * A panel that outgrows the cache comes from beyond it for every tile, in whatever order; with blocks the panels at
 * least follow one another in memory. Otherwise what counts is which of the two is read from beyond the cache less:
 * the tiles' input once for each panel, or the weights once for each block. */
static unsigned choose_block(const ic_core *core, const ic_kernel *kernel, unsigned threads, const ic_sizes *sizes) {
    const size_t tiles = ic_tiles_of(sizes->pixels, kernel), panels = ic_panels_of(sizes->outputs, kernel);
    const size_t bytes = ic_read_bytes(sizes), panel = ic_panel_bytes(sizes, kernel);
    if (panels == 1 || tiles <= 1) {
        return 0;
    }
    if (panel > core->l2 / 2) {
        return FEW_TILES;
    }
    const size_t output = sizes->pixels * sizes->outputs * sizes->element;
    const double weights = (double)panel * (double)panels;
    if (bytes <= core->l2) {
        /* Little is read twice. But a panel writes a few cache lines of each pixel; where next to nothing is multiplied
         * for them, it is better to write whole pixels, one after the other. */
        if (sizes->depth <= sizes->outputs / 8 && output > core->l2 && tiles > SOME_TILES) {
            return SOME_TILES;
        }
        /* The same for panels of a line, where the weights don't stay in the cache either; but threads then share the
         * weights, not the pixels. */
        const bool is_narrow = kernel->columns * sizes->element <= LINE_BYTES && panels >= MANY_PANELS && threads == 1;
        return is_narrow && (output > core->l2 || weights > 2 * (double)core->l2) ? FEW_TILES : 0;
    }
    const unsigned block = tiles_in(core->l2 / 4, bytes, tiles);
    const size_t blocks = tiles / block + (tiles % block != 0);
    const double by_block = (double)bytes + (weights <= (double)core->l2 / 2 ? weights : weights * (double)blocks);
    return by_block < (double)bytes * (double)panels + weights ? block : 0;
}

/* The pointers of `indirect` take no more than `most` bytes, beside a row of zeros. */
static bool fits(const ic_conv2d_desc *desc, const ic_geometry *geometry, const ic_kernel *kernel, ic_split split,
                 size_t most) {
    ic_region_sizes sizes;
    return ic_count_regions(desc, geometry, kernel->rows, split, &sizes) &&
           ic_region_bytes(&sizes) - sizes.padding <= most;
}

/* Cycles to fetch a vector of sums from the output and to put it back, as far as they show. */
static const double resume = 4;

/* Cycles for a whole panel. */
static double cycles_of_regions(const ic_kernel *kernel, const ic_region_sizes *sizes) {
    const unsigned vectors = kernel->columns / kernel->cost.width;
    double cycles = 0;
    for (unsigned rows = 1; rows <= kernel->rows; rows++) {
        cycles += sizes->steps[rows] * (double)cycles_of_step(&kernel->cost, rows, vectors) +
                  sizes->resumed[rows] * rows * vectors * resume;
    }
    return cycles;
}

/* Cycles to begin a region: its table, and the tiles before and after its last one. */
static const double begin_region = 100;

/* Whether pixels of few channels multiply less than it takes to sort them; with the taps of a row in one, always. */
static bool regions_pay(const ic_conv2d_desc *desc, const ic_geometry *geometry, const ic_kernel *kernel,
                        const ic_sizes *sizes) {
    ic_region_sizes regions;
    if (ic_merges_taps(desc, IC_SPLIT_REGIONS) ||
        !ic_count_regions(desc, geometry, kernel->rows, IC_SPLIT_REGIONS, &regions)) {
        return true;
    }
    const ic_tiling tiling = ic_make_tiling(sizes->pixels, kernel->rows);
    ic_region_sizes one = {.regions = 1};
    one.steps[tiling.tall_rows] += (double)(tiling.tall * sizes->depth);
    one.steps[tiling.low_rows] += (double)(tiling.low * sizes->depth);
    return cycles_of_regions(kernel, &regions) + begin_region * (double)regions.regions <=
           cycles_of_regions(kernel, &one) + begin_region;
}

/* Regions, or a pass for each tap, which threads cannot share within a panel. */
static ic_split choose_split(const ic_conv2d_desc *desc, const ic_geometry *geometry, const ic_kernel *kernel,
                             unsigned threads, size_t most_bytes) {
    ic_region_sizes regions, taps;
    if (!ic_has_padding(desc) || !ic_count_regions(desc, geometry, kernel->rows, IC_SPLIT_REGIONS, &regions) ||
        !ic_count_regions(desc, geometry, kernel->rows, IC_SPLIT_TAPS, &taps) ||
        ic_region_bytes(&taps) - taps.padding > most_bytes) {
        return IC_SPLIT_REGIONS;
    }
    const size_t panels = ic_panels_of(ic_group_outputs(desc), kernel);
    const double turns = (double)((panels - 1) / threads + 1), wait = turns * threads / (double)panels;
    const bool is_faster = cycles_of_regions(kernel, &taps) * wait < cycles_of_regions(kernel, &regions);
    return is_faster ? IC_SPLIT_TAPS : IC_SPLIT_REGIONS;
}

static void choose_order(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned threads,
                         ic_algorithm *algorithm, ic_schedule *schedule) {
    const ic_kernel *kernel = schedule->kernel;
    /* Pointers are of one image. */
    const bool by_image = *algorithm == IC_ALGORITHM_INDIRECT;
    const ic_sizes sizes = ic_sizes_of(desc, geometry, by_image ? 1 : ic_images_together(desc, geometry));
    const size_t matrix = sizes.matrix;
    const bool in_place = sizes.is_in_place;
    schedule->order = IC_ORDER_BY_RULE; /* whatever another size had */
    schedule->split = IC_SPLIT_NOT;
    if (ic_is_depthwise(desc) && (*algorithm == IC_ALGORITHM_AUTO || *algorithm == IC_ALGORITHM_INDIRECT)) {
        *algorithm = IC_ALGORITHM_INDIRECT;
        schedule->split = IC_SPLIT_REGIONS;
        schedule->block_tiles = 0;
        return;
    }
    bool splits = sizes.splits && regions_pay(desc, geometry, kernel, &sizes);
    if (*algorithm == IC_ALGORITHM_AUTO) {
        /* Of one channel in all, pointers may take more memory than the matrix. All groups share them, while a
         * matrix is made anew for each: of few channels that takes several times as long as to multiply them. */
        splits = splits && fits(desc, geometry, kernel, IC_SPLIT_REGIONS, sizes.most_extra);
        const bool is_indirect = splits || fits(desc, geometry, kernel, IC_SPLIT_NOT, sizes.most_extra);
        *algorithm = in_place ? IC_ALGORITHM_DIRECT : is_indirect ? IC_ALGORITHM_INDIRECT : IC_ALGORITHM_IM2COL;
    }
    if (*algorithm == IC_ALGORITHM_INDIRECT && splits) {
        schedule->split = choose_split(desc, geometry, kernel, threads, sizes.most_extra);
    }
    if (schedule->split == IC_SPLIT_TAPS) {
        schedule->block_tiles = 0;
        return;
    }
    if (*algorithm == IC_ALGORITHM_IM2COL && !in_place) {
        /* The block is written and read again at once, panel by panel: it may fill the cache. */
        const unsigned block = tiles_in(core->l2 - core->l2 / 4, matrix, ic_tiles_of(sizes.pixels, kernel));
        schedule->block_tiles = matrix <= 2 * core->l2 ? 0 : block;
        return;
    }
    /* Where the input outgrows the cache and the weights stay in it, one tile after the other needs no blocks. */
    const bool by_pixel = schedule->split == IC_SPLIT_NOT && ic_read_bytes(&sizes) > core->l2 &&
                          ic_order_by_rule(core, desc, geometry, kernel) == IC_ORDER_PIXELS;
    schedule->block_tiles = by_pixel ? 0 : choose_block(core, kernel, threads, &sizes);
}

/* Between so few products of a tap, or of a tile, there is no time to ask for lines one by one. */
enum { LEAST_TAP = 16, LEAST_DEPTH = 256 };

ic_fetch ic_choose_fetch(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                         const ic_kernel *kernel, ic_split split) {
    const size_t element = ic_type_of(desc->type)->bytes;
    const size_t inputs = geometry->input_height * geometry->input_width * desc->in_channels * element;
    const size_t outputs = geometry->output_height * geometry->output_width * desc->out_channels * element;
    const bool is_large = inputs / 2 + outputs / 2 > core->l2 / 4;
    ic_fetch wanted = outputs > core->l2 ? IC_FETCH_OUTPUT : IC_FETCH_NOTHING;
    if (ic_is_depthwise(desc) && split == IC_SPLIT_REGIONS) {
        return IC_FETCH_NOTHING;
    }
    if (split == IC_SPLIT_TAPS) {
        wanted = ic_group_inputs(desc) >= LEAST_TAP ? IC_FETCH_WEIGHTS : IC_FETCH_NOTHING;
    } else if (ic_taps(desc) * ic_group_inputs(desc) >= LEAST_DEPTH) {
        wanted = is_large && ic_group_inputs(desc) >= LEAST_TAP ? IC_FETCH_BETWEEN : IC_FETCH_NOTHING;
    }
    const unsigned gain = wanted == IC_FETCH_WEIGHTS ? IC_GAINS_WEIGHTS : IC_GAINS_IMAGES;
    return (kernel->gains & gain) != 0 ? wanted : IC_FETCH_NOTHING;
}

void ic_choose_schedule(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned threads,
                        ic_algorithm *algorithm, ic_schedule *schedule) {
    choose_order(core, desc, geometry, threads, algorithm, schedule);
    schedule->ahead = ic_choose_fetch(core, desc, geometry, schedule->kernel, schedule->split) != IC_FETCH_NOTHING;
}
