/* SPDX-License-Identifier: Apache-2.0
 * The loops around the micro-kernel: images, groups, panels of output channels, tiles.
 *
 * The work on one image and group is cut into pieces, runs of equal tiles of one region, times panels. Either the panel
 * is outside, so that its weights stay in the cache while all pixels pass; or the pixels are, in blocks, or tile by
 * tile (order.h). Passes for single taps follow one another within a panel.
 * Threads take one item after the other. */
#include "tiles/run.h"

#include "core/pool.h"
#include "tiles/matrix.h"

#include <math.h>
#include <stdatomic.h>

/* Equal tiles that follow one another. */
typedef struct {
    const ic_region *region;
    unsigned rows;
    size_t pixel, tiles; /* first pixel, counted in the region */
} piece;

/* Where the next piece begins. */
typedef struct {
    size_t region, tile; /* tile counted in the region */
} cursor;

static bool next_piece(const ic_tiled *tiled, size_t most_tiles, cursor *at, piece *p) {
    if (at->region == tiled->region_count) {
        return false;
    }
    p->region = &tiled->regions[at->region];
    const ic_tiling *tiling = &p->region->tiling;
    const bool is_tall = at->tile < tiling->tall;
    const size_t left = (is_tall ? tiling->tall : tiling->tall + tiling->low) - at->tile;
    p->rows = is_tall ? tiling->tall_rows : tiling->low_rows;
    p->pixel = is_tall ? at->tile * tiling->tall_rows
                       : tiling->tall * tiling->tall_rows + (at->tile - tiling->tall) * tiling->low_rows;
    p->tiles = left < most_tiles ? left : most_tiles;
    at->tile += p->tiles;
    if (at->tile == tiling->tall + tiling->low) {
        at->region++;
        at->tile = 0;
    }
    return true;
}

/* One image and group. */
typedef struct {
    const ic_tiled *tiled;
    size_t element;    /* bytes of one */
    const char *input; /* of the group's first channel; or the matrix */
    char *output;      /* of the group's first channel */
    const char *weights;
    size_t panel;      /* elements of one packed panel */
    const char *image; /* im2col with blocks: what the matrix is made of */
    size_t row_bytes;  /* from a pixel's taps to the next one's, where there are no offsets */
    size_t panels, most_tiles;
    atomic_size_t taken; /* items */
} job;

/* What is the same for all tiles of a job. */
static ic_tile_run first_run(const job *j, const char *input, const int64_t *row_offsets) {
    const ic_tiled *tiled = j->tiled;
    ic_tile_run run = {0};
    run.input = input;
    run.output = j->output;
    run.offsets = row_offsets;
    run.output_offsets = row_offsets + IC_MAX_ROWS;
    run.fetch = tiled->fetch;
    return run;
}

/* The weights to pass over after a tap: those of absent columns, where a row of taps is one. */
static size_t weights_gap(const ic_tiled *tiled, const ic_region *region) {
    const ic_conv2d_desc *desc = &tiled->base.desc;
    return ic_merges_taps(desc, tiled->base.schedule.split)
               ? desc->kernel_width * ic_group_inputs(desc) - region->channels
               : 0;
}

/* A table that serves more pixels than it holds has no entry that is padding (region.h). */
static bool may_read_padding(const ic_region *region) {
    const ic_tiling *tiling = &region->tiling;
    return region->length >= tiling->tall * tiling->tall_rows + tiling->low * tiling->low_rows;
}

/* As many tiles at once as the region's table has entries for, from wherever in a row the first one begins. */
static void run_by_table(const job *j, const char *input, ic_tile_run *run, const piece *p) {
    const ic_tiled *tiled = j->tiled;
    const ic_region *region = p->region;
    const ic_geometry *geometry = &tiled->base.geometry;
    const int64_t *entries = tiled->offsets + region->first_entry, *places = tiled->offsets + ic_first_place(region);
    const size_t input_row =
        tiled->base.desc.stride_height * geometry->input_width * tiled->base.desc.in_channels * j->element;
    const size_t output_row = geometry->output_width * tiled->base.desc.out_channels * j->element;
    char *output = run->output;
    run->padding = may_read_padding(region) ? tiled->padding : NULL;
    run->tap_entries = region->tap_entries;
    run->offset_step = run->output_offset_step = p->rows;
    size_t row = 0, first = p->pixel;
    if (region->length < first + p->rows) {
        row = first / region->width, first %= region->width;
    }
    for (size_t left = p->tiles;;) {
        const size_t fitting = (region->length - first) / p->rows;
        run->input = run->taps != 0 ? input + row * input_row : input;
        run->output = output + row * output_row;
        run->offsets = entries + first;
        run->output_offsets = places + first;
        run->tiles = left < fitting ? left : fitting;
        tiled->base.schedule.kernel->run(run);
        run->ahead += run->tiles * run->ahead_step;
        left -= run->tiles;
        if (left == 0) {
            return;
        }
        first += run->tiles * p->rows;
        row += first / region->width, first %= region->width;
    }
}

/* What a run of one panel is for the tiles of a piece, but for where they lie. */
static void begin_panel(const job *j, ic_tile_run *run, const piece *p, size_t panel) {
    const ic_tiled *tiled = j->tiled;
    const ic_region *region = p->region;
    const size_t columns = tiled->base.schedule.kernel->columns, outputs = ic_group_outputs(&tiled->base.desc);
    const size_t first = panel * columns;
    /* Only the last pass of several has bounds; where it is one of taps there are none. */
    const bool finishes =
        tiled->base.schedule.split != IC_SPLIT_TAPS || region + 1 == tiled->regions + tiled->region_count;
    const char *bias = j->weights + panel * j->panel * j->element;
    run->bias = bias;
    run->weights = bias + (1 + region->weights_start) * columns * j->element;
    run->weights_gap = weights_gap(tiled, region) * columns;
    run->resumes = ic_region_resumes(tiled->base.schedule.split, (size_t)(region - tiled->regions));
    run->output_min = finishes ? tiled->base.desc.output_min : -INFINITY;
    run->output_max = finishes ? tiled->base.desc.output_max : INFINITY;
    run->taps = region->taps;
    run->channels = region->channels;
    run->tiles = p->tiles;
    run->rows = p->rows;
    run->columns = (unsigned)(outputs - first < columns ? outputs - first : columns);
    run->output = j->output + first * j->element;
    const size_t weights_bytes = region->taps * region->channels * columns * j->element;
    run->ahead =
        (uintptr_t)run->weights + weights_bytes; /* the next pass reads what follows, with as many tiles or so */
    run->ahead_step = weights_bytes / p->tiles;
}

/* The first tile of a piece without split. */
static void begin_tiles(const job *j, const char *input, ic_tile_run *run, const piece *p) {
    const ic_tiled *tiled = j->tiled;
    if (tiled->offsets != NULL) {
        run->padding = tiled->padding;
        run->offsets = tiled->offsets + p->pixel * p->region->taps;
        run->offset_step = p->rows * p->region->taps;
        run->tap_entries = p->rows;
    } else {
        run->input = input + (tiled->matrix_block != 0 ? 0 : p->pixel * j->row_bytes);
        run->input_step = p->rows * j->row_bytes;
    }
    const size_t pixel_bytes = tiled->base.desc.out_channels * j->element;
    run->output = (char *)run->output + p->pixel * pixel_bytes;
    run->output_step = p->rows * pixel_bytes;
}

static void run_piece(const job *j, const char *input, ic_tile_run *run, const piece *p, size_t panel) {
    begin_panel(j, run, p, panel);
    if (j->tiled->base.schedule.split != IC_SPLIT_NOT) {
        run_by_table(j, input, run, p);
        return;
    }
    begin_tiles(j, input, run, p);
    j->tiled->base.schedule.kernel->run(run);
}

/* Tile by tile, all panels of each: one run of the kernel for those of full width, one for a narrower last one. */
static void run_all_panels(const job *j, const char *input, const ic_tile_run *first, const piece *p) {
    const ic_kernel *kernel = j->tiled->base.schedule.kernel;
    const size_t wide = ic_group_outputs(&j->tiled->base.desc) / kernel->columns;
    ic_tile_run of_wide = *first, of_last = *first;
    begin_panel(j, &of_wide, p, 0);
    begin_tiles(j, input, &of_wide, p);
    begin_panel(j, &of_last, p, j->panels - 1);
    begin_tiles(j, input, &of_last, p);
    const ic_tile_run step = of_wide; /* from tile to tile */
    of_wide.tiles = wide;
    of_wide.panel_step = j->panel;
    of_wide.input_step = of_wide.offset_step = 0;
    of_wide.output_step = kernel->columns * j->element;
    of_last.tiles = 1;
    for (size_t left = p->tiles;;) {
        if (wide != 0) {
            kernel->run(&of_wide);
        }
        if (wide != j->panels) {
            kernel->run(&of_last);
        }
        if (--left == 0) {
            return;
        }
        of_wide.input = of_last.input = (const char *)of_last.input + step.input_step;
        of_wide.offsets = of_last.offsets = of_last.offsets + step.offset_step;
        of_wide.output = (char *)of_wide.output + step.output_step;
        of_last.output = (char *)of_last.output + step.output_step;
    }
}

/* The rows of a tile that lie one after the other: the offsets of its input, then of its output. */
static void lay_rows(const job *j, int64_t row_offsets[2 * IC_MAX_ROWS]) {
    for (size_t r = 0; r < IC_MAX_ROWS; r++) {
        row_offsets[r] = (int64_t)(r * j->row_bytes);
        row_offsets[IC_MAX_ROWS + r] = (int64_t)(r * j->tiled->base.desc.out_channels * j->element);
    }
}

/* Pieces inside, panels outside. */
static void work_by_panel(void *context, unsigned thread) {
    job *j = context;
    int64_t row_offsets[2 * IC_MAX_ROWS];
    lay_rows(j, row_offsets);
    ic_tile_run run = first_run(j, j->input, row_offsets);
    cursor at = {0, 0};
    size_t reached = 0, panel = 0; /* items; panel of the next one */
    (void)thread;
    for (size_t item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);;) {
        piece p;
        if (!next_piece(j->tiled, j->most_tiles, &at, &p)) {
            if (++panel == j->panels) {
                return;
            }
            at = (cursor){0, 0};
        } else if (reached++ == item) {
            run_piece(j, j->input, &run, &p, panel);
            item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
        }
    }
}

/* Panels inside, pieces outside. */
static void work_by_piece(void *context, unsigned thread) {
    job *j = context;
    const ic_tiled *tiled = j->tiled;
    int64_t row_offsets[2 * IC_MAX_ROWS];
    const char *input = j->input;
    if (tiled->matrix_block != 0) {
        input = tiled->matrix + thread * tiled->matrix_block; /* this thread's part */
    }
    lay_rows(j, row_offsets);
    ic_tile_run run = first_run(j, input, row_offsets);
    cursor at = {0, 0};
    piece p;
    size_t item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
    for (size_t reached = 0; next_piece(tiled, j->most_tiles, &at, &p); reached++) {
        if (reached != item) {
            continue;
        }
        if (tiled->matrix_block != 0) {
            ic_fill_matrix(&tiled->base, j->image, p.pixel, p.rows * p.tiles,
                           tiled->matrix + thread * tiled->matrix_block);
        }
        if (tiled->base.schedule.block_tiles == 0) {
            run_all_panels(j, input, &run, &p);
        } else {
            for (size_t panel = 0; panel < j->panels; panel++) {
                run_piece(j, input, &run, &p, panel);
            }
        }
        item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
    }
}

enum { LINE = 64 }; /* bytes of a cache line */

/* Panels with all their passes are an item: a pass goes on with the sums of the one before. Those that share a cache
 * line of the output go together, or threads would take it from each other in every pass. */
static void work_by_pass(void *context, unsigned thread) {
    job *j = context;
    int64_t row_offsets[2 * IC_MAX_ROWS];
    lay_rows(j, row_offsets);
    ic_tile_run run = first_run(j, j->input, row_offsets);
    (void)thread;
    const size_t bytes = j->tiled->base.schedule.kernel->columns * j->element; /* of a pixel, by a panel */
    const size_t together = bytes < LINE ? LINE / bytes : 1;
    for (size_t first; (first = atomic_fetch_add_explicit(&j->taken, together, memory_order_relaxed)) < j->panels;) {
        for (size_t panel = first; panel < first + together && panel < j->panels; panel++) {
            cursor at = {0, 0};
            piece p;
            while (next_piece(j->tiled, SIZE_MAX, &at, &p)) {
                run_piece(j, j->input, &run, &p, panel);
            }
        }
    }
}

/* Work of one thread is shared out in so many pieces. */
enum { SHARES = 16 };

size_t ic_tiles_at_once(const ic_tiled *tiled, size_t panels) {
    const unsigned threads = ic_pool_threads(tiled->base.pool);
    size_t tiles = 0;
    if (threads == 1) {
        return tiled->base.schedule.block_tiles != 0 ? tiled->base.schedule.block_tiles : SIZE_MAX;
    }
    for (size_t i = 0; i < tiled->region_count; i++) {
        tiles += tiled->regions[i].tiling.tall + tiled->regions[i].tiling.low;
    }
    size_t most = tiles * (tiled->order == IC_ORDER_PIXELS ? 1 : panels) / ((size_t)threads * SHARES);
    if (tiled->base.schedule.block_tiles != 0 && tiled->base.schedule.block_tiles < most) {
        most = tiled->base.schedule.block_tiles;
    }
    return most != 0 ? most : 1;
}

typedef struct {
    const ic_tiled *tiled;
    const char *input;
    atomic_size_t row; /* next one to copy */
} copy_job;

static void copy_rows(void *context, unsigned thread) {
    copy_job *j = context;
    const ic_geometry *geometry = &j->tiled->base.geometry;
    const size_t width = geometry->output_width;
    const size_t row_bytes = width * j->tiled->packing.products * j->tiled->base.element;
    (void)thread;
    for (size_t row; (row = atomic_fetch_add_explicit(&j->row, 1, memory_order_relaxed)) < geometry->output_height;) {
        ic_fill_matrix(&j->tiled->base, j->input, row * width, width, j->tiled->matrix + row * row_bytes);
    }
}

static void run_group(const ic_tiled *tiled, size_t group, const char *input, char *output) {
    const size_t outputs = ic_group_outputs(&tiled->base.desc), columns = tiled->base.schedule.kernel->columns;
    const size_t panels = outputs / columns + (outputs % columns != 0);
    const size_t panel = ic_panel_elements(&tiled->packing, tiled->base.schedule.kernel);
    const size_t element = tiled->base.element;
    job j = {.tiled = tiled,
             .element = element,
             .input = input + group * ic_group_inputs(&tiled->base.desc) * element,
             .output = output + group * outputs * element,
             .weights = (const char *)tiled->base.weights + group * panels * panel * element,
             .panel = panel,
             .row_bytes = tiled->packing.products * element,
             .panels = panels,
             .most_tiles = ic_tiles_at_once(tiled, panels)};
    if (tiled->matrix_block != 0) {
        j.image = j.input;
    } else if (tiled->matrix != NULL) {
        if (ic_pool_threads(tiled->base.pool) == 1) {
            ic_fill_matrix(&tiled->base, j.input, 0, tiled->pixels, tiled->matrix);
        } else {
            copy_job copy = {tiled, j.input, 0};
            ic_pool_run(tiled->base.pool, copy_rows, &copy);
        }
        j.input = tiled->matrix;
    }
    ic_pool_run(tiled->base.pool,
                tiled->base.schedule.split == IC_SPLIT_TAPS ? work_by_pass
                : tiled->order == IC_ORDER_PIXELS           ? work_by_piece
                                                            : work_by_panel,
                &j);
}

void ic_run_tiled(const ic_tiled *tiled, const void *input, void *output) {
    const ic_geometry *geometry = &tiled->base.geometry;
    const ic_conv2d_desc *desc = &tiled->base.desc;
    const size_t element = tiled->base.element;
    const size_t input_bytes = geometry->input_height * geometry->input_width * desc->in_channels * element;
    const size_t output_bytes = geometry->output_height * geometry->output_width * desc->out_channels * element;
    const bool in_place = tiled->offsets == NULL && tiled->matrix == NULL; /* one matrix of all images */
    for (size_t image = 0; image < (in_place ? 1 : geometry->batch); image++) {
        for (size_t group = 0; group < desc->groups; group++) {
            run_group(tiled, group, (const char *)input + image * input_bytes, (char *)output + image * output_bytes);
        }
    }
}
