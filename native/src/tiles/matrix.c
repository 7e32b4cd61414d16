/* SPDX-License-Identifier: Apache-2.0
 * The matrix is written from start to end; with dilation 1 and one
 * group the taps of a kernel row lie side by side in the input too, so a row is one run of KW x Cin. */
#include "tiles/matrix.h"

#include <string.h>

#define VECTOR 4

/* Runs are short (a few to a few thousand floats), where a call of memcpy costs more than the copy. The last vector may
 * overlap the one before; it lies within the run all the same. */
static inline float *copy(float *to, const float *from, size_t count) {
    if (count >= 1024) {
        memcpy(to, from, count * sizeof(float));
        return to + count;
    }
    size_t i = 0;
    if (count < VECTOR) {
        for (; i < count; i++) {
            to[i] = from[i];
        }
        return to + count;
    }
    for (; i + 4 * VECTOR <= count; i += 4 * VECTOR) {
        memcpy(to + i, from + i, 4 * VECTOR * sizeof(float));
    }
    for (; i + VECTOR <= count; i += VECTOR) {
        memcpy(to + i, from + i, VECTOR * sizeof(float));
    }
    if (i < count) {
        memcpy(to + count - VECTOR, from + count - VECTOR, VECTOR * sizeof(float));
    }
    return to + count;
}

static inline float *zeros(float *to, size_t count) {
    for (size_t i = 0; i < count; i++) {
        to[i] = 0.0f;
    }
    return to + count;
}

/* Taps of one kernel row, contiguous in the input. `column` is the first one's, and may lie left of the input. */
static inline float *copy_run(float *to, const float *row, ptrdiff_t column, ptrdiff_t taps, ptrdiff_t width,
                              size_t channels) {
    const ptrdiff_t end = column + taps;
    if (column >= 0 && end <= width) {
        return copy(to, row + (size_t)column * channels, (size_t)taps * channels);
    }
    const ptrdiff_t from = column < 0 ? 0 : column > width ? width : column;
    const ptrdiff_t until = end > width ? width : end < from ? from : end;
    const ptrdiff_t before = column < 0 ? (end < 0 ? taps : -column) : 0;
    to = zeros(to, (size_t)before * channels);
    to = copy(to, row + (size_t)from * channels, (size_t)(until - from) * channels);
    return zeros(to, (size_t)(taps - before - (until - from)) * channels);
}

/* Taps of one kernel row, one by one. */
static inline float *copy_taps(float *to, const ic_conv2d *conv, const float *row, size_t out_column) {
    const size_t channels = ic_group_inputs(&conv->desc);
    for (size_t tap = 0; tap < conv->desc.kernel_width; tap++) {
        const size_t column = ic_input_column(&conv->desc, out_column, tap);
        if (column < conv->geometry.input_width) {
            to = copy(to, row + column * conv->desc.in_channels, channels);
        } else {
            to = zeros(to, channels);
        }
    }
    return to;
}

/* One output pixel, wherever it lies. */
static float *copy_patch(float *to, const ic_conv2d *conv, const float *input, size_t out_row, size_t out_column,
                         bool contiguous) {
    const ic_conv2d_desc *desc = &conv->desc;
    const ic_geometry *geometry = &conv->geometry;
    const size_t channels = ic_group_inputs(desc);
    for (size_t tap = 0; tap < desc->kernel_height; tap++) {
        const size_t row_index = ic_input_row(desc, out_row, tap);
        if (row_index >= geometry->input_height) {
            to = zeros(to, desc->kernel_width * channels);
            continue;
        }
        const float *row = input + row_index * geometry->input_width * desc->in_channels;
        if (contiguous) {
            to = copy_run(to, row, (ptrdiff_t)ic_input_column(desc, out_column, 0), (ptrdiff_t)desc->kernel_width,
                          (ptrdiff_t)geometry->input_width, channels);
        } else {
            to = copy_taps(to, conv, row, out_column);
        }
    }
    return to;
}

/* `pixels` neighbours in an output row, none of whose taps falls into the padding. */
static float *copy_inner(float *to, const ic_conv2d *conv, const float *input, size_t out_row, size_t out_column,
                         size_t pixels) {
    const ic_conv2d_desc *desc = &conv->desc;
    const size_t row_floats = conv->geometry.input_width * desc->in_channels;
    const size_t run = desc->kernel_width * desc->in_channels;
    const size_t tap_step = desc->dilation_height * row_floats;
    const float *patch =
        input + ic_input_row(desc, out_row, 0) * row_floats + ic_input_column(desc, out_column, 0) * desc->in_channels;
    for (size_t pixel = 0; pixel < pixels; pixel++, patch += desc->stride_width * desc->in_channels) {
        for (size_t tap = 0; tap < desc->kernel_height; tap++) {
            to = copy(to, patch + tap * tap_step, run);
        }
    }
    return to;
}

static bool is_inner_row(const ic_conv2d *conv, size_t out_row) {
    const ic_conv2d_desc *desc = &conv->desc;
    return out_row * desc->stride_height >= desc->pad_top &&
           ic_input_row(desc, out_row, desc->kernel_height - 1u) < conv->geometry.input_height;
}

static bool is_inner_column(const ic_conv2d *conv, size_t out_column) {
    const ic_conv2d_desc *desc = &conv->desc;
    return out_column * desc->stride_width >= desc->pad_left &&
           ic_input_column(desc, out_column, desc->kernel_width - 1u) < conv->geometry.input_width;
}

/* Output columns `column` to `end` of one output row. */
static float *copy_row(float *to, const ic_conv2d *conv, const float *input, size_t out_row, size_t column,
                       size_t end) {
    const ic_conv2d_desc *desc = &conv->desc;
    const bool contiguous = desc->groups == 1 && (desc->dilation_width == 1 || desc->kernel_width == 1);
    const bool inner_row = contiguous && is_inner_row(conv, out_row);
    while (column < end) {
        size_t inner = 0;
        while (inner_row && column + inner < end && is_inner_column(conv, column + inner)) {
            inner++;
        }
        if (inner != 0) {
            to = copy_inner(to, conv, input, out_row, column, inner);
            column += inner;
        } else {
            to = copy_patch(to, conv, input, out_row, column++, contiguous);
        }
    }
    return to;
}

void ic_fill_matrix(const ic_conv2d *conv, const float *input, size_t first, size_t count, float *matrix) {
    const size_t width = conv->geometry.output_width;
    size_t column = first % width;
    for (size_t row = first / width; count != 0; row++, column = 0) {
        const size_t taken = width - column < count ? width - column : count;
        matrix = copy_row(matrix, conv, input, row, column, column + taken);
        count -= taken;
    }
}
