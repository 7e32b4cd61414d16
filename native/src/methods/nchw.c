/* SPDX-License-Identifier: Apache-2.0
 * im2col and GEMM on planes of channels (NCHW), as Caffe does it: outputs [channel][pixel] are weights
 * [channel][product] times patch matrix [product][pixel]. The micro-kernel's roles are swapped: its rows are output
 * channels, its columns are pixels. So what it writes is NCHW already, and no step has to bring tiles of pixels to
 * planes. Products come in the order of all other methods, so the bits are theirs, too.
 *
 * The patch matrix is packed for the kernel as it is made (tiles/planes.h); a GEMM for itself would copy it once more.
 * The kernel's bias is one per column, but here it is one per row: it is a product of its own, the first one, with a
 * row of ones in the matrix, and sums begin with -0, which leaves every bias as it is. */
#include "methods/nchw.h"

#include "choice/order.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "methods/method.h"
#include "tiles/planes.h"
#include "tiles/tiling.h"

#include <stdatomic.h>
#include <string.h>

typedef struct {
    ic_conv2d base;   /* weights: [output channel][bias, products] */
    size_t depth;     /* products of an output, with the bias */
    ic_tiling tiling; /* of the output channels of a group */
    ic_planes planes;
    float *matrix; /* of one image and group */
    ic_order order;
} nchw;

static bool covers(const ic_conv2d *conv) {
    return conv->chooser.asked == IC_ALGORITHM_IM2COL && conv->desc.type == IC_TYPE_F32;
}

static ic_status pack(ic_conv2d *conv, const void *weights, const void *bias) {
    nchw *n = (nchw *)conv;
    const ic_conv2d_desc *desc = &conv->desc;
    const size_t products = ic_taps(desc) * ic_group_inputs(desc);
    if (conv->schedule.block_tiles != 0 || conv->schedule.ahead) {
        return ic_fail(IC_UNKNOWN_KERNEL, "kernel=%s+...: with desc.layout=nchw there are +panels and +pixels alone",
                       conv->schedule.kernel->name);
    }
    n->depth = products + 1;
    size_t bytes = n->depth;
    if (!ic_multiply(&bytes, desc->out_channels) || !ic_multiply(&bytes, sizeof(float)) || !ic_is_array_size(bytes)) {
        return ic_fail(IC_OVERFLOW, "desc: weights and bias are no array");
    }
    float *to = ic_take(conv, bytes, IC_MEMORY_WEIGHTS);
    if (to == NULL) {
        return ic_fail_memory("the packed weights", bytes);
    }
    conv->weights = to;
    const float *from = weights, *first = bias;
    for (size_t channel = 0; channel < desc->out_channels; channel++) {
        *to++ = first != NULL ? first[channel] : 0;
        memcpy(to, from + channel * products, products * sizeof(float));
        to += products;
    }
    return IC_OK;
}

static ic_status shape(ic_conv2d *conv) {
    nchw *n = (nchw *)conv;
    ic_kernel turned = *conv->schedule.kernel; /* as the rule of loops sees it: pixels by channels */
    turned.rows = conv->schedule.kernel->columns;
    turned.columns = conv->schedule.kernel->rows;
    n->order = conv->schedule.order != IC_ORDER_BY_RULE
                   ? conv->schedule.order
                   : ic_order_by_rule(&conv->chooser.core, &conv->desc, &conv->geometry, &turned);
    n->tiling = ic_make_tiling(ic_group_outputs(&conv->desc), conv->schedule.kernel->rows);
    n->planes = ic_planes_of(&conv->desc, &conv->geometry, conv->schedule.kernel->columns);
    size_t bytes;
    if (!ic_planes_matrix_size(&n->planes, &bytes)) {
        return ic_fail(IC_OVERFLOW, "height and width: the patch matrix of %zu pixels is no array", n->planes.pixels);
    }
    n->matrix = ic_take(conv, bytes, IC_MEMORY_MATRIX);
    if (n->matrix == NULL) {
        return ic_fail_memory("the patch matrix", bytes);
    }
    ic_begin_planes_matrix(&n->planes, n->matrix);
    return IC_OK;
}

static void release(ic_conv2d *conv) {
    nchw *n = (nchw *)conv;
    ic_give_back(conv, n->matrix, IC_MEMORY_MATRIX);
    n->matrix = NULL;
    n->order = IC_ORDER_BY_RULE;
}

/* One image and group. */
typedef struct {
    const nchw *n;
    const float *input;   /* the group's first plane */
    const float *weights; /* of the group's first output */
    float *output;        /* the group's first plane */
    size_t tiles;         /* of channels */
    size_t chunk, shares; /* tiles (or panels) of an item at most, and items of each panel (or tile) */
    atomic_size_t taken;  /* items */
} job;

static void fill(void *context, unsigned thread) {
    job *j = context;
    const size_t parts = ic_planes_parts(&j->n->planes);
    (void)thread;
    for (size_t part; (part = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed)) < parts;) {
        ic_fill_planes_part(&j->n->planes, j->input, part, j->n->matrix);
    }
}

enum { OFFSETS = 2 * IC_MAX_ROWS };

/* The offsets of a tile's rows, in the weights and then in the output. */
static void lay_rows(const nchw *n, ptrdiff_t offsets[OFFSETS]) {
    for (size_t r = 0; r < IC_MAX_ROWS; r++) {
        offsets[r] = (ptrdiff_t)(r * n->depth * sizeof(float));
        offsets[IC_MAX_ROWS + r] = (ptrdiff_t)(r * n->planes.pixels * sizeof(float));
    }
}

/* The tile of channels number `tile`, and the panel of pixels number `panel`. */
static ic_tile_run run_at(const job *j, const ptrdiff_t *offsets, size_t tile, size_t panel) {
    const nchw *n = j->n;
    const ic_conv2d_desc *desc = &n->base.desc;
    const ic_tiling *tiling = &n->tiling;
    const bool is_tall = tile < tiling->tall;
    const size_t channel = is_tall ? tile * tiling->tall_rows
                                   : tiling->tall * tiling->tall_rows + (tile - tiling->tall) * tiling->low_rows;
    const size_t pixel = panel * n->planes.columns, left = n->planes.pixels - pixel;
    return (ic_tile_run){.input = j->weights + channel * n->depth,
                         .offsets = offsets,
                         .bias = n->matrix + panel * n->planes.panel,
                         .weights = n->matrix + panel * n->planes.panel + n->planes.columns,
                         .output = j->output + channel * n->planes.pixels + pixel,
                         .output_offsets = offsets + IC_MAX_ROWS,
                         .taps = 1,
                         .channels = n->depth,
                         .tiles = 1,
                         .rows = is_tall ? tiling->tall_rows : tiling->low_rows,
                         .columns = (unsigned)(left < n->planes.columns ? left : n->planes.columns),
                         .output_min = desc->output_min,
                         .output_max = desc->output_max,
                         .fetch = IC_FETCH_NOTHING};
}

/* Tiles of channels from `first` to `end`, of one panel: those of one height are one run of the kernel. */
static void run_tiles(const job *j, const ptrdiff_t *offsets, size_t first, size_t end, size_t panel) {
    const nchw *n = j->n;
    while (first < end) {
        const size_t until = first < n->tiling.tall && n->tiling.tall < end ? n->tiling.tall : end;
        ic_tile_run run = run_at(j, offsets, first, panel);
        run.tiles = until - first;
        run.input_step = run.rows * n->depth * sizeof(float);
        run.output_step = run.rows * n->planes.pixels * sizeof(float);
        n->base.schedule.kernel->run(&run);
        first = until;
    }
}

/* Panels of pixels from `first` to `end`, of one tile: those of full width are one run of the kernel. */
static void run_panels(const job *j, const ptrdiff_t *offsets, size_t first, size_t end, size_t tile) {
    const nchw *n = j->n;
    const size_t full = n->planes.pixels / n->planes.columns;
    while (first < end) {
        const size_t until = first < full && full < end ? full : end;
        ic_tile_run run = run_at(j, offsets, tile, first);
        run.tiles = until - first;
        run.panel_step = n->planes.panel;
        run.output_step = n->planes.columns * sizeof(float);
        n->base.schedule.kernel->run(&run);
        first = until;
    }
}

/* A panel with some of its tiles, or a tile with some of its panels, is an item. */
static void multiply(void *context, unsigned thread) {
    job *j = context;
    const nchw *n = j->n;
    const bool by_pixels = n->order == IC_ORDER_PIXELS;
    const size_t outer = by_pixels ? n->planes.panels : j->tiles, inner = by_pixels ? j->tiles : n->planes.panels;
    ptrdiff_t offsets[OFFSETS];
    lay_rows(n, offsets);
    (void)thread;
    for (size_t item; (item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed)) < outer * j->shares;) {
        const size_t first = item % j->shares * j->chunk, end = inner - first < j->chunk ? inner : first + j->chunk;
        (by_pixels ? run_tiles : run_panels)(j, offsets, first, end, item / j->shares);
    }
}

enum { ITEMS = 16 }; /* of each of several threads, about */

/* How the inner ones of the two are shared out. */
static void share(job *j, unsigned threads) {
    const size_t inner = j->n->order == IC_ORDER_PIXELS ? j->tiles : j->n->planes.panels;
    const size_t chunk = threads == 1 ? inner : j->tiles * j->n->planes.panels / (ITEMS * (size_t)threads);
    j->chunk = chunk > inner ? inner : chunk != 0 ? chunk : 1;
    j->shares = inner / j->chunk + (inner % j->chunk != 0);
}

static void run(const ic_conv2d *conv, const void *input, void *output) {
    const nchw *n = (const nchw *)conv;
    const ic_conv2d_desc *desc = &conv->desc;
    const size_t plane = conv->geometry.input_height * conv->geometry.input_width;
    const size_t inputs = ic_group_inputs(desc), outputs = ic_group_outputs(desc);
    job j = {.n = n, .input = input, .output = output, .tiles = n->tiling.tall + n->tiling.low};
    share(&j, ic_pool_threads(conv->pool));
    for (size_t image = 0; image < conv->geometry.batch; image++) {
        j.weights = conv->weights;
        for (size_t group = 0; group < desc->groups; group++) {
            atomic_store_explicit(&j.taken, 0, memory_order_relaxed);
            ic_pool_run(conv->pool, fill, &j);
            atomic_store_explicit(&j.taken, 0, memory_order_relaxed);
            ic_pool_run(conv->pool, multiply, &j);
            j.input += inputs * plane;
            j.weights += outputs * n->depth;
            j.output += outputs * n->planes.pixels;
        }
    }
}

void ic_copy_planes(const ic_conv2d *conv, const void *input) {
    const nchw *n = (const nchw *)conv;
    const size_t group = ic_group_inputs(&conv->desc) * conv->geometry.input_height * conv->geometry.input_width;
    const float *from = input;
    for (size_t left = conv->geometry.batch * conv->desc.groups; left != 0; left--, from += group) {
        for (size_t part = 0; part < ic_planes_parts(&n->planes); part++) {
            ic_fill_planes_part(&n->planes, from, part, n->matrix);
        }
    }
}

ic_order ic_planes_order(const ic_conv2d *conv) {
    return ((const nchw *)conv)->order;
}

const ic_method ic_method_nchw = {"nchw",           sizeof(nchw),        covers, pack, shape, run, release,
                                  ic_bound_of_sums, IC_BOUND_OF_PRODUCTS};
