/* SPDX-License-Identifier: Apache-2.0
 * Winograd's minimal filtering, F(m x m, 3 x 3), for 3x3 with stride and dilation 1: patches of n x n inputs, n = m + 2,
 * overlapping by two, are transformed to n x n points; at each point a tile of outputs is one product of each channel,
 * summed by the tiles' micro-kernel; n x n sums are transformed to m x m outputs.
 *
 * Tiles pass in blocks whose points and sums fill half of the L2 cache. Weights are [group][panel][point], each in the
 * format of panels; the bias is in the sums of the point whose sum every output gets once. */
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "kernels/f32/winograd.h"
#include "methods/method.h"
#include "tiles/tiling.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { LINE = 64, LINE_FLOATS = LINE / sizeof(float), ITEMS_PER_THREAD = 4 };

typedef struct {
    ic_conv2d base;
    const ic_winograd_transforms *transforms;
    unsigned tile, points;  /* m; n x n */
    size_t panels;          /* of a group */
    size_t panel_floats;    /* of one point */
    size_t down, across;    /* tiles of an image */
    size_t tiles;           /* of all images */
    size_t block;           /* tiles that pass at once */
    size_t pitch;           /* floats from tile to tile at a point: the group's inputs, whole lines of them */
    size_t point_bytes;     /* from point to point of a block */
    size_t sums_bytes;      /* the same of sums */
    bool shares;            /* threads share a block, instead of having one each */
    char *memory;           /* points, then sums: of each thread, or once and of each thread */
    size_t thread_bytes, shared_bytes;
} winograd;

static size_t ceiling(size_t count, size_t of) {
    return count / of + (count % of != 0);
}

/* Of a dimension of a block, so that the lines of different points don't meet in one set of the cache. */
static size_t odd_lines(size_t bytes) {
    return (ceiling(bytes, LINE) | 1) * LINE;
}

static bool covers(const ic_conv2d *conv) {
    return conv->chooser.asked == IC_ALGORITHM_WINOGRAD && ic_winograd_covers(&conv->desc);
}

/* The weights of a panel's channels `first` on, at all points. */
static void pack_panel(const winograd *w, const float *weights, const float *bias, size_t first, float *panel) {
    const ic_conv2d_desc *desc = &w->base.desc;
    const size_t inputs = ic_group_inputs(desc), outputs = ic_group_outputs(desc);
    const size_t columns = w->base.schedule.kernel->columns;
    const size_t group = first / outputs, in_group = first % outputs;
    const size_t count = outputs - in_group < columns ? outputs - in_group : columns;
    const unsigned n = w->tile + IC_WINOGRAD_TAPS - 1;
    float at_points[IC_WINOGRAD_MOST_POINTS * IC_WINOGRAD_MOST_POINTS];
    (void)group;
    memset(panel, 0, w->points * w->panel_floats * sizeof *panel);
    if (bias != NULL) {
        float *row = panel + (IC_WINOGRAD_ONE * n + IC_WINOGRAD_ONE) * w->panel_floats;
        memcpy(row, bias + first, count * sizeof *row);
    }
    for (size_t c = 0; c < inputs; c++) {
        for (size_t k = 0; k < count; k++) {
            ic_winograd_weights(w->tile, weights + (first + k) * ic_taps(desc) * inputs + c, inputs, at_points);
            for (unsigned p = 0; p < w->points; p++) {
                panel[p * w->panel_floats + (1 + c) * columns + k] = at_points[p];
            }
        }
    }
}

static ic_status pack(ic_conv2d *conv, const void *weights, const void *bias) {
    winograd *w = (winograd *)conv;
    const ic_conv2d_desc *desc = &conv->desc;
    const size_t columns = conv->schedule.kernel->columns, outputs = ic_group_outputs(desc);
    w->tile = conv->schedule.winograd;
    w->points = (w->tile + IC_WINOGRAD_TAPS - 1) * (w->tile + IC_WINOGRAD_TAPS - 1);
    w->transforms = ic_winograd_transforms_of(conv->schedule.kernel);
    w->panels = ceiling(outputs, columns);
    size_t bytes = ic_group_inputs(desc);
    const bool fits = ic_add(&bytes, 1) && ic_multiply(&bytes, columns) && ic_multiply(&bytes, w->points) &&
                      ic_multiply(&bytes, w->panels) && ic_multiply(&bytes, desc->groups) &&
                      ic_multiply(&bytes, sizeof(float)) && ic_is_array_size(bytes);
    if (!fits) {
        return ic_fail(IC_OVERFLOW, "desc: the weights at %u points are no array", w->points);
    }
    w->panel_floats = (1 + ic_group_inputs(desc)) * columns;
    conv->weights = ic_take(conv, bytes, IC_MEMORY_WEIGHTS);
    if (conv->weights == NULL) {
        return ic_fail_memory("the transformed weights", bytes);
    }
    float *to = conv->weights;
    for (size_t group = 0; group < desc->groups; group++) {
        for (size_t panel = 0; panel < w->panels; panel++, to += w->points * w->panel_floats) {
            pack_panel(w, weights, bias, group * outputs + panel * columns, to);
        }
    }
    return IC_OK;
}

/* Tiles of a block: what fits half of the cache, in whole tiles of the kernel, all blocks about alike. */
static size_t choose_block(const winograd *w) {
    const ic_kernel *kernel = w->base.schedule.kernel;
    const size_t each = w->points * (w->pitch + kernel->columns) * sizeof(float);
    const size_t room = w->base.chooser.core.l2 / 2 / each / kernel->rows;
    const size_t most = (room > 1 ? room : 1) * kernel->rows;
    const size_t even = ceiling(w->tiles, ceiling(w->tiles, most));
    return ceiling(even, kernel->rows) * kernel->rows < w->tiles ? ceiling(even, kernel->rows) * kernel->rows : w->tiles;
}

static ic_status shape(ic_conv2d *conv) {
    winograd *w = (winograd *)conv;
    const ic_geometry *geometry = &conv->geometry;
    const size_t columns = conv->schedule.kernel->columns, threads = ic_pool_threads(conv->pool);
    w->down = ceiling(geometry->output_height, w->tile);
    w->across = ceiling(geometry->output_width, w->tile);
    w->tiles = geometry->batch * w->down * w->across;
    w->pitch = ceiling(ic_group_inputs(&conv->desc), LINE_FLOATS) * LINE_FLOATS;
    w->block = choose_block(w);
    w->point_bytes = odd_lines(w->block * w->pitch * sizeof(float));
    w->sums_bytes = odd_lines(w->block * columns * sizeof(float));
    const size_t blocks = ceiling(w->tiles, w->block) * conv->desc.groups;
    w->shares = threads > 1 && blocks < threads * ITEMS_PER_THREAD;
    const size_t inputs = w->points * w->point_bytes, sums = w->points * w->sums_bytes;
    w->shared_bytes = w->shares ? inputs : 0;
    w->thread_bytes = w->shares ? sums : inputs + sums;
    size_t bytes = w->thread_bytes;
    if (!ic_multiply(&bytes, threads) || !ic_add(&bytes, w->shared_bytes) || !ic_is_array_size(bytes)) {
        return ic_fail(IC_OVERFLOW, "height and width: the points of %zu tiles are no array", w->block);
    }
    w->memory = ic_take(conv, bytes, IC_MEMORY_MATRIX);
    return w->memory != NULL ? IC_OK : ic_fail_memory("the points of a block", bytes);
}

static void release(ic_conv2d *conv) {
    winograd *w = (winograd *)conv;
    ic_give_back(conv, w->memory, IC_MEMORY_MATRIX);
    w->memory = NULL;
}

typedef struct {
    const winograd *w;
    const char *input;
    char *output;
    size_t group, first, count; /* the block that threads share */
    size_t pieces, items;       /* of a block's tiles; what threads take one by one */
    atomic_size_t taken;
} job;

/* Where a tile begins: its image, and its first row and column of the output. */
typedef struct {
    size_t image, row, column;
} place;

static place place_of(const winograd *w, size_t tile) {
    const size_t in_image = tile % (w->down * w->across);
    return (place){tile / (w->down * w->across), in_image / w->across * w->tile, in_image % w->across * w->tile};
}

/* Those of `n` rows or columns, beginning `before` before the image's output `at`, that lie in `size` inputs. */
static void clip(size_t at, size_t before, size_t size, unsigned n, unsigned *first, unsigned *end) {
    const size_t outside = at < before ? before - at : 0, left = size + before > at ? size + before - at : 0;
    *first = outside < n ? (unsigned)outside : n;
    *end = left < n ? (unsigned)left : n;
    if (*first >= *end) {
        *first = *end = 0;
    }
}

/* Tiles `first` to `first + count`, which lie from the block's tile `at` on. */
static void transform_patches(const job *j, size_t group, size_t first, size_t count, size_t at, char *points) {
    const winograd *w = j->w;
    const ic_conv2d_desc *desc = &w->base.desc;
    const ic_geometry *geometry = &w->base.geometry;
    const unsigned n = w->tile + IC_WINOGRAD_TAPS - 1;
    const size_t pixel = desc->in_channels * sizeof(float), row = geometry->input_width * pixel;
    void (*const transform)(const ic_winograd_patch *) = w->transforms->patch[ic_winograd_index(w->tile)];
    ic_winograd_patch p = {.row_step = row,
                           .pixel_step = pixel,
                           .channels = ic_group_inputs(desc),
                           .point_step = w->point_bytes};
    for (size_t i = 0; i < count; i++) {
        const place t = place_of(w, first + i);
        p.corner = (uintptr_t)j->input + t.image * geometry->input_height * row + (t.row - desc->pad_top) * row +
                   (t.column - desc->pad_left) * pixel + group * ic_group_inputs(desc) * sizeof(float);
        clip(t.row, desc->pad_top, geometry->input_height, n, &p.first_row, &p.end_row);
        clip(t.column, desc->pad_left, geometry->input_width, n, &p.first_column, &p.end_column);
        p.points = points + (at + i) * w->pitch * sizeof(float);
        transform(&p);
    }
}

/* The sums of one panel at all points, of `count` tiles from the block's tile `at` on. */
static void multiply(const job *j, size_t group, size_t panel, size_t count, size_t at, const char *points,
                     char *sums) {
    const winograd *w = j->w;
    const ic_kernel *kernel = w->base.schedule.kernel;
    const size_t columns = kernel->columns, outputs = ic_group_outputs(&w->base.desc), left = outputs - panel * columns;
    const size_t wanted = left < columns ? ceiling(left, kernel->cost.width) * kernel->cost.width : columns;
    const size_t input_row = w->pitch * sizeof(float), output_row = columns * sizeof(float);
    const ic_tiling tiling = ic_make_tiling(count, kernel->rows);
    const float *weights =
        (const float *)w->base.weights + (group * w->panels + panel) * w->points * w->panel_floats;
    ptrdiff_t rows[2][IC_MAX_ROWS];
    for (size_t r = 0; r < IC_MAX_ROWS; r++) {
        rows[0][r] = (ptrdiff_t)(r * input_row);
        rows[1][r] = (ptrdiff_t)(r * output_row);
    }
    ic_tile_run run = {.offsets = rows[0],
                       .output_offsets = rows[1],
                       .taps = 1,
                       .channels = ic_group_inputs(&w->base.desc),
                       .columns = (unsigned)(kernel->cost.whole_panels ? columns : wanted),
                       .output_min = -INFINITY,
                       .output_max = INFINITY,
                       .fetch = (kernel->gains & IC_GAINS_WEIGHTS) != 0 ? IC_FETCH_WEIGHTS : IC_FETCH_NOTHING};
    const size_t bytes = w->panel_floats * sizeof(float);
    run.ahead_step = bytes / (tiling.tall + tiling.low);
    for (unsigned p = 0; p < w->points; p++, weights += w->panel_floats) {
        run.bias = weights;
        run.weights = weights + columns;
        run.input = points + p * w->point_bytes + at * input_row;
        run.output = sums + p * w->sums_bytes;
        run.ahead = (uintptr_t)weights + bytes;
        for (unsigned low = 0; low < 2; low++) {
            run.tiles = low ? tiling.low : tiling.tall;
            run.rows = low ? tiling.low_rows : tiling.tall_rows;
            if (run.tiles == 0) {
                continue;
            }
            run.input_step = run.rows * input_row;
            run.output_step = run.rows * output_row;
            kernel->run(&run);
            run.input = (const char *)run.input + run.tiles * run.input_step;
            run.output = (char *)run.output + run.tiles * run.output_step;
            run.ahead += run.tiles * run.ahead_step;
        }
    }
}

static void transform_sums(const job *j, size_t group, size_t panel, size_t first, size_t count, const char *sums) {
    const winograd *w = j->w;
    const ic_conv2d_desc *desc = &w->base.desc;
    const ic_geometry *geometry = &w->base.geometry;
    const size_t columns = w->base.schedule.kernel->columns, outputs = ic_group_outputs(desc);
    const size_t pixel = desc->out_channels * sizeof(float), row = geometry->output_width * pixel;
    const size_t left = outputs - panel * columns;
    void (*const transform)(const ic_winograd_outputs *) = w->transforms->outputs[ic_winograd_index(w->tile)];
    char *output = j->output + (group * outputs + panel * columns) * sizeof(float);
    ic_winograd_outputs o = {.point_step = w->sums_bytes,
                             .row_step = row,
                             .pixel_step = pixel,
                             .channels = left < columns ? left : columns,
                             .output_min = desc->output_min,
                             .output_max = desc->output_max};
    for (size_t i = 0; i < count; i++) {
        const place t = place_of(w, first + i);
        const size_t rows = geometry->output_height - t.row, across = geometry->output_width - t.column;
        o.rows = rows < w->tile ? (unsigned)rows : w->tile;
        o.columns = across < w->tile ? (unsigned)across : w->tile;
        o.output = output + (t.image * geometry->output_height + t.row) * row + t.column * pixel;
        o.sums = sums + i * columns * sizeof(float);
        transform(&o);
    }
}

static bool take(job *j, size_t *item) {
    *item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
    return *item < j->items;
}

/* Blocks, each by one thread. */
static void work_alone(void *context, unsigned thread) {
    job *j = context;
    const winograd *w = j->w;
    const size_t blocks = ceiling(w->tiles, w->block);
    char *points = w->memory + thread * w->thread_bytes, *sums = points + w->points * w->point_bytes;
    for (size_t item; take(j, &item);) {
        const size_t group = item / blocks, first = item % blocks * w->block;
        const size_t count = w->tiles - first < w->block ? w->tiles - first : w->block;
        transform_patches(j, group, first, count, 0, points);
        for (size_t panel = 0; panel < w->panels; panel++) {
            multiply(j, group, panel, count, 0, points, sums);
            transform_sums(j, group, panel, first, count, sums);
        }
    }
}

static size_t piece_begin(const job *j, size_t piece) {
    return j->count * piece / j->pieces;
}

/* Pieces of one block's patches. */
static void work_on_patches(void *context, unsigned thread) {
    job *j = context;
    (void)thread;
    for (size_t item; take(j, &item);) {
        const size_t begin = piece_begin(j, item);
        transform_patches(j, j->group, j->first + begin, piece_begin(j, item + 1) - begin, begin, j->w->memory);
    }
}

/* Its panels, of pieces where panels are few. */
static void work_on_panels(void *context, unsigned thread) {
    job *j = context;
    const winograd *w = j->w;
    char *sums = w->memory + w->shared_bytes + thread * w->thread_bytes;
    for (size_t item; take(j, &item);) {
        const size_t panel = item / j->pieces, begin = piece_begin(j, item % j->pieces);
        const size_t count = piece_begin(j, item % j->pieces + 1) - begin;
        multiply(j, j->group, panel, count, begin, w->memory, sums);
        transform_sums(j, j->group, panel, j->first + begin, count, sums);
    }
}

static void run_in_turn(job *j, size_t pieces, size_t panels, void (*work)(void *, unsigned)) {
    j->pieces = pieces < j->count ? pieces : j->count;
    j->items = j->pieces * panels;
    atomic_store_explicit(&j->taken, 0, memory_order_relaxed);
    ic_pool_run(j->w->base.pool, work, j);
}

static void run(const ic_conv2d *conv, const void *input, void *output) {
    const winograd *w = (const winograd *)conv;
    const size_t threads = ic_pool_threads(conv->pool), rows = conv->schedule.kernel->rows;
    job j = {.w = w, .input = input, .output = output};
    if (!w->shares) {
        j.items = ceiling(w->tiles, w->block) * conv->desc.groups;
        ic_pool_run(conv->pool, work_alone, &j);
        return;
    }
    for (j.group = 0; j.group < conv->desc.groups; j.group++) {
        for (j.first = 0; j.first < w->tiles; j.first += w->block) {
            j.count = w->tiles - j.first < w->block ? w->tiles - j.first : w->block;
            run_in_turn(&j, threads * ITEMS_PER_THREAD, 1, work_on_patches);
            const size_t wanted = ceiling(threads * ITEMS_PER_THREAD, w->panels), most = ceiling(j.count, rows);
            run_in_turn(&j, wanted < most ? wanted : most, w->panels, work_on_panels);
        }
    }
}

/* See docs/kernels.md. */
static double error_bound(const ic_conv2d *conv) {
    static const struct {
        double growth, roundings;
    } of[IC_WINOGRAD_TILES] = {{4, 8}, {18.27, 18}, {39.56, 18}};
    const unsigned index = ic_winograd_index(conv->schedule.winograd);
    const double roundings = ((double)ic_group_inputs(&conv->desc) + 1 + of[index].roundings) * 0x1p-24;
    return of[index].growth * of[index].growth * roundings / (1 - roundings);
}

const ic_method ic_method_winograd = {"winograd", sizeof(winograd), covers, pack, shape, run, release, error_bound};
