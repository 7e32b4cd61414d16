/* SPDX-License-Identifier: Apache-2.0
 * The indirection buffer: for each tile, tap and row of the tile, in that order, the distance in bytes from the start
 * of an image to the tap's channels. Distances and not pointers, so that neither another input nor another image of
 * the batch nor another group needs a new buffer. */
#include "conv.h"
#include "memory.h"
#include "tiling.h"

bool ic_indirection_size(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t *bytes) {
    *bytes = ic_taps(desc);
    return ic_multiply(bytes, geometry->output_height) && ic_multiply(bytes, geometry->output_width) &&
           ic_multiply(bytes, sizeof(int64_t)) && ic_is_array_size(*bytes);
}

static int64_t entry_of(const ic_conv2d *conv, size_t pixel, size_t tap_row, size_t tap_column) {
    const ic_geometry *geometry = &conv->geometry;
    const size_t row = ic_input_row(&conv->desc, pixel / geometry->output_width, tap_row);
    const size_t column = ic_input_column(&conv->desc, pixel % geometry->output_width, tap_column);
    if (row >= geometry->input_height || column >= geometry->input_width) {
        return IC_PADDING_ENTRY;
    }
    return (int64_t)((row * geometry->input_width + column) * conv->desc.in_channels * sizeof(float));
}

static int64_t *fill_tile(const ic_conv2d *conv, int64_t *entry, size_t first_pixel, unsigned rows) {
    for (size_t tap_row = 0; tap_row < conv->desc.kernel_height; tap_row++) {
        for (size_t tap_column = 0; tap_column < conv->desc.kernel_width; tap_column++) {
            for (unsigned r = 0; r < rows; r++) {
                *entry++ = entry_of(conv, first_pixel + r, tap_row, tap_column);
            }
        }
    }
    return entry;
}

void ic_fill_indirection(ic_conv2d *conv) {
    const size_t pixels = conv->geometry.output_height * conv->geometry.output_width;
    const ic_tiling tiling = ic_make_tiling(pixels, conv->kernel->rows);
    int64_t *entry = conv->offsets;
    size_t pixel = 0;
    for (size_t tile = 0; tile < tiling.tall; tile++, pixel += tiling.tall_rows) {
        entry = fill_tile(conv, entry, pixel, tiling.tall_rows);
    }
    for (size_t tile = 0; tile < tiling.low; tile++, pixel += tiling.low_rows) {
        entry = fill_tile(conv, entry, pixel, tiling.low_rows);
    }
}
