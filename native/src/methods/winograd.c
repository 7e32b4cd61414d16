/* SPDX-License-Identifier: Apache-2.0
 * Winograd's minimal filtering, F(m x m, 3 x 3), for 3x3 with stride and dilation 1: patches of n x n inputs, n = m +
 * 2, overlapping by two, are transformed to n x n points; at each point an output tile has one product for each
 * channel, summed by the tiles' micro-kernel; n x n sums are transformed to m x m outputs (winograd_run.c).
 *
 * The bias is in the sums of the point whose sum every output of a tile has once. Where the size of the image chooses
 * tile and kernel, the caller's weights are kept, and transformed anew where that changes; auto may then also take
 * sums of products, by another object. */
#include "methods/winograd.h"

#include "choice/winograd_cost.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "methods/method.h"

#include <string.h>

enum { LINE = 64, LINE_FLOATS = LINE / sizeof(float), ITEMS_PER_THREAD = 4 };

static bool covers(const ic_conv2d *conv) {
    const ic_chooser *chooser = &conv->chooser;
    const bool is_auto = chooser->asked == IC_ALGORITHM_AUTO && ic_winograd_allowed(chooser->allowed_error) != 0 &&
                         !ic_is_depthwise(&conv->desc);
    return (is_auto || chooser->asked == IC_ALGORITHM_WINOGRAD) && ic_winograd_covers(&conv->desc);
}

static bool is_by_size(const ic_conv2d *conv) {
    return conv->chooser.model_kernel != NULL;
}

static size_t weight_floats(const ic_conv2d_desc *desc) {
    return desc->out_channels * ic_taps(desc) * ic_group_inputs(desc);
}

/* The weights of a panel, whose first channel is `first`, at all points. */
static void pack_panel(const ic_winograd *w, const float *weights, const float *bias, size_t first, float *panel) {
    const ic_conv2d_desc *desc = &w->base.desc;
    const size_t inputs = ic_group_inputs(desc), outputs = ic_group_outputs(desc);
    const size_t columns = w->base.schedule.kernel->columns, left = outputs - first % outputs;
    const size_t count = left < columns ? left : columns;
    float at_points[IC_WINOGRAD_MOST_POINTS * IC_WINOGRAD_MOST_POINTS];
    memset(panel, 0, w->points * w->panel_floats * sizeof *panel);
    if (bias != NULL) {
        float *row = panel + (IC_WINOGRAD_ONE * w->side + IC_WINOGRAD_ONE) * w->panel_floats;
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

/* For the schedule's kernel and tile, behind what is kept; in place of the weights before. */
static ic_status pack_for(ic_winograd *w, const float *weights, const float *bias) {
    ic_conv2d *conv = &w->base;
    const ic_conv2d_desc *desc = &conv->desc;
    const size_t columns = conv->schedule.kernel->columns, outputs = ic_group_outputs(desc);
    w->tile = conv->schedule.winograd;
    w->side = w->tile + IC_WINOGRAD_TAPS - 1;
    w->points = w->side * w->side;
    w->transforms = ic_winograd_transforms_of(conv->schedule.kernel);
    w->columns = columns;
    w->panels = ic_ceiling(outputs, columns);
    w->panel_floats = (1 + ic_group_inputs(desc)) * columns;
    size_t bytes = ic_group_inputs(desc);
    const bool fits = ic_add(&bytes, 1) && ic_multiply(&bytes, columns) && ic_multiply(&bytes, w->points) &&
                      ic_multiply(&bytes, w->panels) && ic_multiply(&bytes, desc->groups) &&
                      ic_multiply(&bytes, sizeof(float)) && ic_add(&bytes, w->kept) && ic_is_array_size(bytes);
    if (!fits) {
        return ic_fail(IC_OVERFLOW, "desc: the weights at %u points are no array", w->points);
    }
    char *before = conv->weights;
    const size_t before_bytes = conv->bytes[IC_MEMORY_WEIGHTS];
    char *made = ic_take(conv, bytes, IC_MEMORY_WEIGHTS);
    if (made == NULL) {
        return ic_fail_memory("the transformed weights", bytes);
    }
    float *to = (float *)(void *)(made + w->kept);
    w->packed = to;
    for (size_t group = 0; group < desc->groups; group++) {
        for (size_t panel = 0; panel < w->panels; panel++, to += w->points * w->panel_floats) {
            pack_panel(w, weights, bias, group * outputs + panel * columns, to);
        }
    }
    if (before != NULL) {
        memcpy(made, before, w->kept);
        conv->allocator.release(conv->allocator.context, before, before_bytes, IC_MEMORY_WEIGHTS);
    }
    conv->weights = made;
    return IC_OK;
}

/* Weights and bias as they were given, in whole lines. */
static ic_status keep(ic_winograd *w, const void *weights, const void *bias) {
    ic_conv2d *conv = &w->base;
    const size_t floats = weight_floats(&conv->desc);
    size_t bytes = floats;
    if (!ic_add(&bytes, conv->desc.out_channels + LINE_FLOATS) || !ic_multiply(&bytes, sizeof(float)) ||
        !ic_is_array_size(bytes)) {
        return ic_fail(IC_OVERFLOW, "desc: weights and bias are no array");
    }
    bytes = bytes / LINE * LINE;
    float *kept = ic_take(conv, bytes, IC_MEMORY_WEIGHTS);
    if (kept == NULL) {
        return ic_fail_memory("the weights", bytes);
    }
    memset(kept, 0, bytes);
    memcpy(kept, weights, floats * sizeof(float));
    if (bias != NULL) {
        memcpy(kept + floats, bias, conv->desc.out_channels * sizeof(float));
    }
    conv->weights = kept;
    w->kept = bytes;
    return IC_OK;
}

static ic_status pack(ic_conv2d *conv, const void *weights, const void *bias) {
    ic_winograd *w = (ic_winograd *)conv;
    return is_by_size(conv) ? keep(w, weights, bias) : pack_for(w, weights, bias);
}

/* An object of another method for this size. */
static ic_status make_plain(ic_conv2d *conv) {
    const ic_geometry *geometry = &conv->geometry;
    const float *weights = conv->weights;
    const ic_options options = {.struct_size = sizeof options,
                                .algorithm = IC_ALGORITHM_AUTO,
                                .allocator = &conv->allocator,
                                .pool = conv->pool,
                                .tuned = conv->chooser.tuned};
    ic_conv2d_desc desc = conv->desc;
    ic_status status = ic_conv2d_create(&desc, weights, weights + weight_floats(&conv->desc), &options, &conv->instead);
    if (status == IC_OK) {
        status = ic_conv2d_reshape(conv->instead, geometry->batch, geometry->input_height, geometry->input_width);
    }
    if (status == IC_OK) {
        conv->algorithm = conv->instead->algorithm;
        conv->schedule = conv->instead->schedule;
    }
    return status;
}

/* Algorithm, kernel and tile for this size. */
static ic_status choose(ic_winograd *w) {
    ic_conv2d *conv = &w->base;
    const float *weights = conv->weights;
    const ic_tuned_choice choice = ic_choose(&conv->chooser, &conv->desc, &conv->geometry, ic_pool_threads(conv->pool));
    if (choice.algorithm != IC_ALGORITHM_WINOGRAD) {
        return make_plain(conv);
    }
    const bool is_packed =
        w->packed != NULL && w->tile == choice.schedule.winograd && w->columns == choice.schedule.kernel->columns;
    conv->algorithm = IC_ALGORITHM_WINOGRAD;
    conv->schedule = choice.schedule;
    w->transforms = ic_winograd_transforms_of(choice.schedule.kernel);
    return is_packed ? IC_OK : pack_for(w, weights, weights + weight_floats(&conv->desc));
}

/* Tiles of a block: what fits half of the cache, in whole strips, all blocks about alike. */
static size_t choose_block(const ic_winograd *w) {
    const ic_kernel *kernel = w->base.schedule.kernel;
    const size_t each = w->points * (w->pitch + kernel->columns) * sizeof(float);
    const size_t room = w->base.chooser.core.l2 / 2 / each / kernel->rows;
    const size_t most = (room > 1 ? room : 1) * kernel->rows;
    const size_t even = ic_ceiling(w->tiles, ic_ceiling(w->tiles, most));
    return ic_ceiling(even, kernel->rows) * kernel->rows;
}

/* Bytes of a strip's rows of floats; the lines of different points don't meet in one set of the cache. */
static size_t strip_bytes(const ic_kernel *kernel, size_t floats) {
    return (ic_ceiling(kernel->rows * floats * sizeof(float), LINE) | 1) * LINE;
}

static ic_status shape(ic_conv2d *conv) {
    ic_winograd *w = (ic_winograd *)conv;
    const ic_geometry *geometry = &conv->geometry;
    if (is_by_size(conv)) {
        const ic_status status = choose(w);
        if (status != IC_OK || conv->instead != NULL) {
            return status;
        }
    }
    const ic_kernel *kernel = conv->schedule.kernel;
    const size_t threads = ic_pool_threads(conv->pool);
    w->down = ic_ceiling(geometry->output_height, w->tile);
    w->across = ic_ceiling(geometry->output_width, w->tile);
    w->tiles = geometry->batch * w->down * w->across;
    w->pitch = ic_ceiling(ic_group_inputs(&conv->desc), LINE_FLOATS) * LINE_FLOATS;
    w->block = choose_block(w);
    w->point_bytes = strip_bytes(kernel, w->pitch);
    w->sum_bytes = strip_bytes(kernel, kernel->columns);
    w->shares = threads > 1 && ic_ceiling(w->tiles, w->block) * conv->desc.groups < threads * ITEMS_PER_THREAD;
    size_t inputs = w->block / kernel->rows * w->points, sums = inputs;
    bool fits = ic_multiply(&inputs, w->point_bytes) && ic_multiply(&sums, w->sum_bytes);
    w->shared_bytes = w->shares ? inputs : 0;
    w->thread_bytes = sums;
    fits = fits && (w->shares || ic_add(&w->thread_bytes, inputs));
    size_t bytes = w->thread_bytes;
    if (!fits || !ic_multiply(&bytes, threads) || !ic_add(&bytes, w->shared_bytes) || !ic_is_array_size(bytes)) {
        return ic_fail(IC_OVERFLOW, "height and width: the points of %zu tiles are no array", w->block);
    }
    w->memory = ic_take(conv, bytes, IC_MEMORY_MATRIX);
    return w->memory != NULL ? IC_OK : ic_fail_memory("the points of a block", bytes);
}

static void release(ic_conv2d *conv) {
    ic_winograd *w = (ic_winograd *)conv;
    ic_give_back(conv, w->memory, IC_MEMORY_MATRIX);
    w->memory = NULL;
    ic_conv2d_destroy(conv->instead);
    conv->instead = NULL;
}

static void run(const ic_conv2d *conv, const void *input, void *output) {
    if (conv->instead != NULL) {
        conv->instead->method->run(conv->instead, input, output);
    } else {
        ic_run_winograd((const ic_winograd *)conv, input, output);
    }
}

/* Derived in docs/kernels.md: how far a transform there and back may make a value grow, by both directions, times the
 * roundings on the way. */
static double error_bound(const ic_conv2d *conv) {
    static const struct {
        double growth, roundings;
    } of[IC_WINOGRAD_TILES] = {{4, 8}, {18.3, 18}, {39.6, 18}};
    const unsigned index = ic_winograd_index(conv->schedule.winograd);
    const double roundings = ((double)ic_group_inputs(&conv->desc) + 1 + of[index].roundings) * 0x1p-24;
    return of[index].growth * of[index].growth * roundings / (1 - roundings);
}

const ic_method ic_method_winograd = {"winograd",  sizeof(ic_winograd), covers, pack, shape, run, release,
                                      error_bound, IC_BOUND_OF_LARGEST};
