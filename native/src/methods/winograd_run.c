/* SPDX-License-Identifier: Apache-2.0
 * Winograd's loops: blocks of tiles; of each the patches' points, then panel by panel the sums at all points and the
 * outputs. A thread has a block to itself, or, where blocks are few, all threads share one. */
#include "core/pool.h"
#include "methods/winograd.h"
#include "tiles/tiling.h"

#include <math.h>
#include <stdatomic.h>

enum { ITEMS_PER_THREAD = 4 };

typedef struct {
    const ic_winograd *w;
    const char *input;
    char *output;
    size_t group, first, count; /* the block that threads share */
    size_t pieces, items;       /* of a block's strips; what threads take one by one */
    atomic_size_t taken;
} job;

/* Strips `begin` to `end` of a block, whose first tile is `first`. */
typedef struct {
    size_t group, first;
    ic_tiling tiling;
    size_t begin, end;
} strips;

static strips strips_of(const ic_winograd *w, size_t group, size_t first, size_t count) {
    const ic_tiling tiling = ic_make_tiling(count, w->base.schedule.kernel->rows);
    return (strips){group, first, tiling, 0, tiling.tall + tiling.low};
}

/* The first tile of a strip, counted in the block; the next strip's is where it ends. */
static size_t tile_of(const strips *s, size_t strip) {
    const ic_tiling *t = &s->tiling;
    return strip < t->tall ? strip * t->tall_rows : t->tall * t->tall_rows + (strip - t->tall) * t->low_rows;
}

/* Where a tile begins: its image, and its first row and column of the output. */
typedef struct {
    size_t image, row, column;
} place;

static place place_of(const ic_winograd *w, size_t tile) {
    const size_t in_image = tile % (w->down * w->across);
    return (place){tile / (w->down * w->across), in_image / w->across * w->tile, in_image % w->across * w->tile};
}

/* Those of `n` rows or columns, of which the first lies `before` before the input `at`, that are some of `size`. */
static void clip(size_t at, size_t before, size_t size, unsigned n, unsigned *first, unsigned *end) {
    const size_t outside = at < before ? before - at : 0, left = size + before > at ? size + before - at : 0;
    *first = outside < n ? (unsigned)outside : n;
    *end = left < n ? (unsigned)left : n;
    if (*first >= *end) {
        *first = *end = 0;
    }
}

static void transform_patches(const job *j, const strips *s, char *points) {
    const ic_winograd *w = j->w;
    const ic_conv2d_desc *desc = &w->base.desc;
    const ic_geometry *geometry = &w->base.geometry;
    const size_t pixel = desc->in_channels * sizeof(float), row = geometry->input_width * pixel;
    const uintptr_t input = (uintptr_t)j->input + s->group * ic_group_inputs(desc) * sizeof(float);
    void (*const transform)(const ic_winograd_patch *) = w->transforms->patch[ic_winograd_index(w->tile)];
    ic_winograd_patch p = {
        .row_step = row, .pixel_step = pixel, .channels = ic_group_inputs(desc), .point_step = w->point_bytes};
    for (size_t strip = s->begin; strip < s->end; strip++) {
        p.points = points + strip * w->points * w->point_bytes;
        for (size_t i = tile_of(s, strip); i < tile_of(s, strip + 1); i++) {
            const place t = place_of(w, s->first + i);
            p.corner = input + t.image * geometry->input_height * row + (t.row - desc->pad_top) * row +
                       (t.column - desc->pad_left) * pixel;
            clip(t.row, desc->pad_top, geometry->input_height, w->side, &p.first_row, &p.end_row);
            clip(t.column, desc->pad_left, geometry->input_width, w->side, &p.first_column, &p.end_column);
            transform(&p);
            p.points += w->pitch * sizeof(float);
        }
    }
}

/* Strips of one height, at one point; `run` begins with the first one. */
static void multiply_strips(const ic_winograd *w, ic_tile_run *run, size_t tiles, unsigned rows) {
    if (tiles != 0) {
        run->tiles = tiles;
        run->rows = rows;
        w->base.schedule.kernel->run(run);
        run->input = (const char *)run->input + tiles * run->input_step;
        run->output = (char *)run->output + tiles * run->output_step;
        run->ahead += tiles * run->ahead_step;
    }
}

/* The sums of one panel at all points. */
static void multiply(const ic_winograd *w, const strips *s, size_t panel, const char *points, char *sums) {
    const ic_kernel *kernel = w->base.schedule.kernel;
    const size_t columns = kernel->columns, left = ic_group_outputs(&w->base.desc) - panel * columns;
    const size_t width = kernel->cost.whole_panels ? columns : kernel->cost.width;
    const float *weights = w->packed + (s->group * w->panels + panel) * w->points * w->panel_floats;
    const size_t bytes = w->panel_floats * sizeof(float);
    const size_t tall = s->tiling.tall < s->end ? s->tiling.tall : s->end; /* the strips before it are tall */
    const size_t tall_here = tall > s->begin ? tall - s->begin : 0;
    ptrdiff_t inputs[IC_MAX_ROWS], outputs[IC_MAX_ROWS];
    for (size_t r = 0; r < IC_MAX_ROWS; r++) {
        inputs[r] = (ptrdiff_t)(r * w->pitch * sizeof(float));
        outputs[r] = (ptrdiff_t)(r * columns * sizeof(float));
    }
    ic_tile_run run = {.offsets = inputs,
                       .output_offsets = outputs,
                       .taps = 1,
                       .channels = ic_group_inputs(&w->base.desc),
                       .input_step = w->points * w->point_bytes,
                       .output_step = w->points * w->sum_bytes,
                       .columns = (unsigned)(left < columns ? ic_ceiling(left, width) * width : columns),
                       .output_min = -INFINITY,
                       .output_max = INFINITY,
                       .fetch = (kernel->gains & IC_GAINS_WEIGHTS) != 0 ? IC_FETCH_WEIGHTS : IC_FETCH_NOTHING,
                       .ahead_step = bytes / (s->end - s->begin)};
    for (unsigned p = 0; p < w->points; p++, weights += w->panel_floats) {
        run.bias = weights;
        run.weights = weights + columns;
        run.input = points + s->begin * run.input_step + p * w->point_bytes;
        run.output = sums + p * w->sum_bytes;
        run.ahead = (uintptr_t)weights + bytes; /* of the next point */
        multiply_strips(w, &run, tall_here, s->tiling.tall_rows);
        multiply_strips(w, &run, s->end - s->begin - tall_here, s->tiling.low_rows);
    }
}

static void transform_sums(const job *j, const strips *s, size_t panel, const char *sums) {
    const ic_winograd *w = j->w;
    const ic_conv2d_desc *desc = &w->base.desc;
    const ic_geometry *geometry = &w->base.geometry;
    const size_t columns = w->base.schedule.kernel->columns, outputs = ic_group_outputs(desc);
    const size_t pixel = desc->out_channels * sizeof(float), row = geometry->output_width * pixel;
    const size_t left = outputs - panel * columns;
    void (*const transform)(const ic_winograd_outputs *) = w->transforms->outputs[ic_winograd_index(w->tile)];
    char *output = j->output + (s->group * outputs + panel * columns) * sizeof(float);
    ic_winograd_outputs o = {.point_step = w->sum_bytes,
                             .row_step = row,
                             .pixel_step = pixel,
                             .channels = left < columns ? left : columns,
                             .output_min = desc->output_min,
                             .output_max = desc->output_max};
    for (size_t strip = s->begin; strip < s->end; strip++) {
        o.sums = sums + (strip - s->begin) * w->points * w->sum_bytes;
        for (size_t i = tile_of(s, strip); i < tile_of(s, strip + 1); i++) {
            const place t = place_of(w, s->first + i);
            const size_t down = geometry->output_height - t.row, across = geometry->output_width - t.column;
            o.rows = down < w->tile ? (unsigned)down : w->tile;
            o.columns = across < w->tile ? (unsigned)across : w->tile;
            o.output = output + (t.image * geometry->output_height + t.row) * row + t.column * pixel;
            transform(&o);
            o.sums += columns * sizeof(float);
        }
    }
}

static bool take(job *j, size_t *item) {
    *item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
    return *item < j->items;
}

/* Blocks, each by one thread. */
static void work_alone(void *context, unsigned thread) {
    job *j = context;
    const ic_winograd *w = j->w;
    const size_t blocks = ic_ceiling(w->tiles, w->block);
    char *points = w->memory + thread * w->thread_bytes;
    char *sums = points + ic_ceiling(w->block, w->base.schedule.kernel->rows) * w->points * w->point_bytes;
    for (size_t item; take(j, &item);) {
        const size_t first = item % blocks * w->block, left = w->tiles - first;
        const strips s = strips_of(w, item / blocks, first, left < w->block ? left : w->block);
        transform_patches(j, &s, points);
        for (size_t panel = 0; panel < w->panels; panel++) {
            multiply(w, &s, panel, points, sums);
            transform_sums(j, &s, panel, sums);
        }
    }
}

/* A piece of the shared block. */
static strips piece_of(const job *j, size_t piece) {
    strips s = strips_of(j->w, j->group, j->first, j->count);
    const size_t all = s.end;
    s.begin = all * piece / j->pieces;
    s.end = all * (piece + 1) / j->pieces;
    return s;
}

static void work_on_patches(void *context, unsigned thread) {
    job *j = context;
    (void)thread;
    for (size_t item; take(j, &item);) {
        const strips s = piece_of(j, item);
        transform_patches(j, &s, j->w->memory);
    }
}

/* Panels, of pieces where panels are few. */
static void work_on_panels(void *context, unsigned thread) {
    job *j = context;
    char *sums = j->w->memory + j->w->shared_bytes + thread * j->w->thread_bytes;
    for (size_t item; take(j, &item);) {
        const strips s = piece_of(j, item % j->pieces);
        multiply(j->w, &s, item / j->pieces, j->w->memory, sums);
        transform_sums(j, &s, item / j->pieces, sums);
    }
}

static void work_together(job *j, size_t pieces, size_t panels, void (*work)(void *, unsigned)) {
    const size_t all = ic_ceiling(j->count, j->w->base.schedule.kernel->rows); /* strips */
    j->pieces = pieces < all ? pieces : all;
    j->items = j->pieces * panels;
    atomic_store_explicit(&j->taken, 0, memory_order_relaxed);
    ic_pool_run(j->w->base.pool, work, j);
}

void ic_run_winograd(const ic_winograd *w, const void *input, void *output) {
    const size_t wanted = ic_pool_threads(w->base.pool) * ITEMS_PER_THREAD, groups = w->base.desc.groups;
    job j = {.w = w, .input = input, .output = output};
    if (!w->shares) {
        j.items = ic_ceiling(w->tiles, w->block) * groups;
        ic_pool_run(w->base.pool, work_alone, &j);
        return;
    }
    for (j.group = 0; j.group < groups; j.group++) {
        for (j.first = 0; j.first < w->tiles; j.first += w->block) {
            j.count = w->tiles - j.first < w->block ? w->tiles - j.first : w->block;
            work_together(&j, wanted, 1, work_on_patches);
            work_together(&j, ic_ceiling(wanted, w->panels), w->panels, work_on_panels);
        }
    }
}
