/* SPDX-License-Identifier: Apache-2.0
 * The matrix is written from start to end; with dilation 1 and one group the taps of a kernel row lie side by side in
 * the input too, so a row is one run of KW x Cin. */
#include "tiles/matrix.h"

#include <string.h>

enum { VECTOR = 16, MANY = 4096 };

/* Fewer bytes than a vector: one word, as where each group has a channel of 4 bytes, or two parts that may overlap. */
static inline void copy_few(char *to, const char *from, size_t bytes) {
    if (bytes == 4) {
        memcpy(to, from, 4);
    } else if (bytes >= 8) {
        memcpy(to, from, 8);
        memcpy(to + bytes - 8, from + bytes - 8, 8);
    } else if (bytes > 4) {
        memcpy(to, from, 4);
        memcpy(to + bytes - 4, from + bytes - 4, 4);
    } else {
        for (size_t i = 0; i < bytes; i++) {
            to[i] = from[i];
        }
    }
}

/* Runs are short (a few bytes to a few thousand), where a call of memcpy costs more than the copy. The last vector may
 * overlap the one before; it lies within the run all the same. */
static inline char *copy(char *to, const char *from, size_t bytes) {
    if (bytes >= MANY) {
        memcpy(to, from, bytes);
        return to + bytes;
    }
    if (bytes < VECTOR) {
        copy_few(to, from, bytes);
        return to + bytes;
    }
    size_t i = 0;
    for (; i + 4 * VECTOR <= bytes; i += 4 * VECTOR) {
        memcpy(to + i, from + i, 4 * VECTOR);
    }
    for (; i + VECTOR <= bytes; i += VECTOR) {
        memcpy(to + i, from + i, VECTOR);
    }
    if (i < bytes) {
        memcpy(to + bytes - VECTOR, from + bytes - VECTOR, VECTOR);
    }
    return to + bytes;
}

static inline char *zeros(char *to, size_t bytes) {
    memset(to, 0, bytes);
    return to + bytes;
}

/* Bytes of a pixel's channels: of one group, and of all. */
static inline size_t group_bytes(const ic_conv2d *conv) {
    return ic_group_inputs(&conv->desc) * conv->element;
}

static inline size_t pixel_bytes(const ic_conv2d *conv) {
    return conv->desc.in_channels * conv->element;
}

/* Taps of one kernel row, contiguous in the input, of `pixel` bytes each. `column` is the first one's, and may lie left
 * of the input. */
static inline char *copy_run(char *to, const char *row, ptrdiff_t column, ptrdiff_t taps, ptrdiff_t width,
                             size_t pixel) {
    const ptrdiff_t end = column + taps;
    if (column >= 0 && end <= width) {
        return copy(to, row + (size_t)column * pixel, (size_t)taps * pixel);
    }
    const ptrdiff_t from = column < 0 ? 0 : column > width ? width : column;
    const ptrdiff_t until = end > width ? width : end < from ? from : end;
    const ptrdiff_t before = column < 0 ? (end < 0 ? taps : -column) : 0;
    to = zeros(to, (size_t)before * pixel);
    to = copy(to, row + (size_t)from * pixel, (size_t)(until - from) * pixel);
    return zeros(to, (size_t)(taps - before - (until - from)) * pixel);
}

/* Taps of one kernel row, one by one. */
static inline char *copy_taps(char *to, const ic_conv2d *conv, const char *row, size_t out_column) {
    const size_t bytes = group_bytes(conv), pixel = pixel_bytes(conv);
    for (size_t tap = 0; tap < conv->desc.kernel_width; tap++) {
        const size_t column = ic_input_column(&conv->desc, out_column, tap);
        if (column < conv->geometry.input_width) {
            to = copy(to, row + column * pixel, bytes);
        } else {
            to = zeros(to, bytes);
        }
    }
    return to;
}

/* One output pixel, wherever it lies. */
static char *copy_patch(char *to, const ic_conv2d *conv, const char *input, size_t out_row, size_t out_column,
                        bool contiguous) {
    const ic_conv2d_desc *desc = &conv->desc;
    const ic_geometry *geometry = &conv->geometry;
    const size_t bytes = group_bytes(conv);
    for (size_t tap = 0; tap < desc->kernel_height; tap++) {
        const size_t row_index = ic_input_row(desc, out_row, tap);
        if (row_index >= geometry->input_height) {
            to = zeros(to, desc->kernel_width * bytes);
            continue;
        }
        const char *row = input + row_index * geometry->input_width * pixel_bytes(conv);
        if (contiguous) {
            to = copy_run(to, row, (ptrdiff_t)ic_input_column(desc, out_column, 0), (ptrdiff_t)desc->kernel_width,
                          (ptrdiff_t)geometry->input_width, bytes);
        } else {
            to = copy_taps(to, conv, row, out_column);
        }
    }
    return to;
}

/* `pixels` neighbours in an output row, none of whose taps falls into the padding. */
static char *copy_inner(char *to, const ic_conv2d *conv, const char *input, size_t out_row, size_t out_column,
                        size_t pixels) {
    const ic_conv2d_desc *desc = &conv->desc;
    const size_t pixel_step = pixel_bytes(conv), row_step = conv->geometry.input_width * pixel_step;
    const size_t run = desc->kernel_width * pixel_step;
    const size_t tap_step = desc->dilation_height * row_step;
    const char *patch =
        input + ic_input_row(desc, out_row, 0) * row_step + ic_input_column(desc, out_column, 0) * pixel_step;
    for (size_t pixel = 0; pixel < pixels; pixel++, patch += desc->stride_width * pixel_step) {
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
static char *copy_row(char *to, const ic_conv2d *conv, const char *input, size_t out_row, size_t column, size_t end) {
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

void ic_fill_matrix(const ic_conv2d *conv, const void *input, size_t first, size_t count, void *matrix) {
    char *to = matrix;
    const size_t width = conv->geometry.output_width;
    size_t column = first % width;
    for (size_t row = first / width; count != 0; row++, column = 0) {
        const size_t taken = width - column < count ? width - column : count;
        to = copy_row(to, conv, input, row, column, column + taken);
        count -= taken;
    }
}
