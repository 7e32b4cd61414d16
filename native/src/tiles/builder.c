/* SPDX-License-Identifier: Apache-2.0 */
#include "tiles/builder.h"

#include "core/type.h"

ic_builder ic_begin_builder(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows,
                            ic_split split) {
    const size_t element = ic_type_of(desc->type)->bytes;
    const ic_builder b = {.desc = desc,
                          .geometry = geometry,
                          .max_rows = max_rows,
                          .split = split,
                          .input_pixel = desc->in_channels * element,
                          .output_pixel = desc->out_channels * element};
    return b;
}

ptrdiff_t ic_entry_of(const ic_builder *b, size_t row, size_t column, size_t tap_row, size_t tap_column) {
    const ic_geometry *geometry = b->geometry;
    const size_t y = ic_input_row(b->desc, row, tap_row), x = ic_input_column(b->desc, column, tap_column);
    if (y >= geometry->input_height || x >= geometry->input_width) {
        return IC_PADDING_ENTRY;
    }
    return (ptrdiff_t)((y * geometry->input_width + x) * b->input_pixel);
}

static size_t taps_across(const ic_builder *b, ic_span column) {
    return ic_merges_taps(b->desc, b->split) ? 1 : column.tap_count;
}

void ic_put_pixel(ic_builder *b, ic_filler *f, size_t row, size_t column) {
    const ic_region *region = &f->region;
    if (f->pixel == region->length) {
        return;
    }
    ptrdiff_t *entry = b->offsets + region->first_entry + f->pixel;
    const size_t across = taps_across(b, f->column);
    for (size_t y = 0; y < f->row.tap_count; y++) {
        for (size_t x = 0; x < across; x++) {
            *entry = ic_entry_of(b, row, column, f->row.first_tap + y, f->column.first_tap + x);
            entry += region->tap_entries;
        }
    }
    const size_t at = row * b->geometry->output_width + column;
    b->offsets[ic_first_place(region) + f->pixel++] = (ptrdiff_t)(at * b->output_pixel);
}

static size_t lesser(size_t a, size_t b) {
    return a < b ? a : b;
}

/* A tap reads what the one before reads some rows of the region later. */
static bool shares_entries(const ic_conv2d_desc *desc, bool is_rectangle, size_t across) {
    return is_rectangle && across == 1 && desc->dilation_height % desc->stride_height == 0;
}

/* Pixels in a table that serves all rows of a region: a tile may begin anywhere in a row. Longer tables make longer
 * runs of tiles, but too long ones would leave the nearest cache, or save nothing. Passes have many tables, and much to
 * do for a tile. */
static size_t table_length(ic_split split, size_t width, size_t pixels, const ic_tiling *tiling, bool shares) {
    enum { LONG = 256 };
    const size_t rows = tiling->tall != 0 ? tiling->tall_rows : tiling->low_rows;
    const size_t part = shares ? pixels / 2 : pixels / 4;
    const size_t least = width - 1 + rows, wanted = split == IC_SPLIT_TAPS ? 0 : lesser(part, LONG);
    return lesser(pixels, least > wanted ? least : wanted);
}

static size_t tap_distance(const ic_conv2d_desc *desc, size_t width, size_t length, bool shares) {
    const size_t rows = desc->dilation_height / desc->stride_height;
    return shares && rows <= length / width ? rows * width : length;
}

ic_filler ic_begin_region(ic_builder *b, ic_span row, ic_span column, size_t pixels, bool lacks_taps,
                          bool is_rectangle) {
    const size_t channels = ic_group_inputs(b->desc), row_products = b->desc->kernel_width * channels;
    const size_t across = taps_across(b, column), width = column.end - column.begin;
    ic_filler f = {.row = row, .column = column};
    ic_region *region = &f.region;
    region->tiling = ic_make_tiling(pixels, b->max_rows);
    region->taps = row.tap_count * across;
    region->channels = ic_merges_taps(b->desc, b->split) ? column.tap_count * channels : channels;
    region->weights_start = row.first_tap * row_products + column.first_tap * channels;
    region->first_entry = b->sizes.entries;
    region->width = width;
    const bool shares = shares_entries(b->desc, is_rectangle, across);
    region->length = lacks_taps ? pixels : table_length(b->split, width, pixels, &region->tiling, shares);
    region->tap_entries = tap_distance(b->desc, width, region->length, shares);
    if (b->region != NULL) {
        *b->region++ = *region;
    }
    b->sizes.regions++;
    b->sizes.entries = ic_first_place(region) + region->length;

    const bool resumes = ic_region_resumes(b->split, b->sizes.regions - 1);
    const double products = (double)region->taps * (double)region->channels;
    const ic_tiling *tiling = &region->tiling;
    b->sizes.steps[tiling->low_rows] += products * (double)tiling->low;
    b->sizes.resumed[tiling->low_rows] += resumes ? (double)tiling->low : 0;
    if (tiling->tall != 0) {
        b->sizes.steps[tiling->tall_rows] += products * (double)tiling->tall;
        b->sizes.resumed[tiling->tall_rows] += resumes ? (double)tiling->tall : 0;
    }
    return f;
}
