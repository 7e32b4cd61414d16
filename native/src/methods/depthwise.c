/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolutions by regions: a vector of neighbouring channels at a time, padding neither read nor multiplied,
 * and nothing built for an input's size. By the general way each channel would be a group with tiles of one column. */
#include "core/pool.h"
#include "methods/method.h"
#include "methods/panels.h"
#include "tiles/span.h"

#include <stdatomic.h>

typedef struct {
    ic_conv2d base;
    ic_packing packing;
} depthwise;

static bool covers(const ic_conv2d *conv) {
    return ic_is_depthwise(&conv->desc) && ic_may_have_regions(&conv->chooser, &conv->schedule);
}

/* Panels are of neighbouring groups. */
static ic_status pack(ic_conv2d *conv, const void *weights, const void *bias) {
    ic_packing *packing = &((depthwise *)conv)->packing;
    *packing = (ic_packing){1, conv->desc.out_channels, ic_taps(&conv->desc)};
    return ic_make_panels(conv, packing, weights, bias);
}

/* Nothing else depends on the input's size. */
static ic_status shape(ic_conv2d *conv) {
    return ic_choose_panels(conv, &((depthwise *)conv)->packing);
}

static void release(ic_conv2d *conv) {
    (void)conv;
}

typedef struct {
    const ic_conv2d *conv;
    size_t element, panel; /* bytes of an element, and of a packed panel */
    const char *input;
    char *output;
    size_t panels, shares; /* of channels; panels are dealt out one by one, or (shares 1) all together */
    size_t items;
    atomic_size_t taken; /* items: a share of a row of an image's output */
} job;

/* Pixels of one row of the output whose taps are the same, as tiles of one height, in all panels of a share. */
static void run_tiles(const job *j, ic_depthwise_run *run, const char *input, char *output, size_t tap, size_t share) {
    const ic_conv2d *conv = j->conv;
    const size_t columns = conv->schedule.kernel->columns, channels = conv->desc.in_channels;
    const size_t end = j->shares == 1 ? j->panels : share + 1;
    for (size_t panel = share; panel < end; panel++) {
        const size_t first = panel * columns;
        const char *bias = (const char *)conv->weights + panel * j->panel;
        run->bias = bias;
        run->weights = bias + (1 + tap) * columns * j->element;
        run->input = input + (run->down != 0 ? first * j->element : 0);
        run->output = output + first * j->element;
        run->columns = (unsigned)(channels - first < columns ? channels - first : columns);
        conv->schedule.kernel->depthwise(run);
    }
}

static void run_row(const job *j, size_t image, size_t row, size_t share) {
    const ic_conv2d *conv = j->conv;
    const ic_conv2d_desc *desc = &conv->desc;
    const ic_geometry *geometry = &conv->geometry;
    const size_t columns = conv->schedule.kernel->columns, pixel = desc->in_channels * j->element; /* its bytes */
    const ic_axis rows = ic_row_axis(desc, geometry), outputs = ic_column_axis(desc, geometry);
    const ic_span down = ic_taps_at(&rows, row);
    ic_depthwise_run run = {.down_step = desc->dilation_height * geometry->input_width * pixel,
                            .across_step = desc->dilation_width * pixel,
                            .input_step = desc->stride_width * pixel,
                            .output_step = pixel,
                            .weights_step = columns,
                            .output_min = desc->output_min,
                            .output_max = desc->output_max};
    for (size_t column = 0; column < geometry->output_width;) {
        const ic_span across = ic_span_at(&outputs, column);
        const ic_tiling tiling = ic_make_tiling(across.end - column, conv->schedule.kernel->depthwise_rows);
        run.across = across.tap_count;
        run.down = across.tap_count != 0 ? down.tap_count : 0;
        run.weights_gap = (desc->kernel_width - across.tap_count) * columns;
        for (unsigned low = 0; low < 2; low++) {
            run.tiles = low ? tiling.low : tiling.tall;
            run.rows = low ? tiling.low_rows : tiling.tall_rows;
            if (run.tiles == 0) {
                continue;
            }
            const size_t from_row = image * geometry->input_height + ic_input_row(desc, row, down.first_tap);
            const size_t from = from_row * geometry->input_width + ic_input_column(desc, column, across.first_tap);
            const size_t to = (image * geometry->output_height + row) * geometry->output_width + column;
            const bool is_inside = run.down != 0; /* else nothing is read */
            run_tiles(j, &run, is_inside ? j->input + from * pixel : j->input, j->output + to * pixel,
                      down.first_tap * desc->kernel_width + across.first_tap, share);
            column += run.tiles * run.rows;
        }
    }
}

static void work(void *context, unsigned thread) {
    job *j = context;
    const size_t height = j->conv->geometry.output_height;
    (void)thread;
    for (size_t item; (item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed)) < j->items;) {
        const size_t row = item / j->shares;
        run_row(j, row / height, row % height, item % j->shares);
    }
}

static void run(const ic_conv2d *conv, const void *input, void *output) {
    const size_t columns = conv->schedule.kernel->columns, channels = conv->desc.in_channels;
    job j = {.conv = conv, .element = conv->element, .input = input, .output = output};
    j.panel = ic_panel_elements(&((const depthwise *)conv)->packing, conv->schedule.kernel) * conv->element;
    j.panels = channels / columns + (channels % columns != 0);
    j.shares = ic_pool_threads(conv->pool) == 1 ? 1 : j.panels;
    j.items = conv->geometry.batch * conv->geometry.output_height * j.shares;
    ic_pool_run(conv->pool, work, &j);
}

const ic_method ic_method_depthwise = {"depthwise",      sizeof(depthwise),   covers, pack, shape, run, release,
                                       ic_bound_of_sums, IC_BOUND_OF_PRODUCTS};
