/* SPDX-License-Identifier: Apache-2.0 */
#include "region.h"

#include "builder.h"
#include "memory.h"

#include <math.h>

/* The taps of a kernel row lie side by side in the input and in the weights. */
static bool is_mergeable(const ic_conv2d_desc *desc) {
    return desc->groups == 1 && (desc->dilation_width == 1 || desc->kernel_width == 1);
}

/* A span of columns; all of them, with padding entries, where taps cannot be merged: the way over the weights of absent
 * columns would then differ from tap to tap. */
static ic_span columns_at(const ic_conv2d_desc *desc, const ic_axis *columns, size_t out) {
    if (is_mergeable(desc)) {
        return ic_span_at(columns, out);
    }
    const ic_span all = {0, columns->output, 0, columns->kernel};
    return all;
}

/* Tiles of one or two pixels leave the FMA units idle. So few pixels join the largest region of their columns, with a
 * row of zeros for the taps that they lack. */
enum { FEW = 3 };

static bool is_few(ic_span row, ic_span column) {
    return (row.end - row.begin) * (column.end - column.begin) < FEW;
}

/* The span of rows with most rows. */
static ic_span largest(const ic_axis *rows) {
    ic_span best = {0, 0, 0, 0};
    for (size_t y = 0; y < rows->output;) {
        const ic_span row = ic_span_at(rows, y);
        if (row.end - row.begin > best.end - best.begin) {
            best = row;
        }
        y = row.end;
    }
    return best;
}

/* `best`, with the taps of all that join it. */
static ic_span joined(const ic_axis *rows, ic_span best, ic_span column) {
    size_t end = best.first_tap + best.tap_count;
    for (size_t y = 0; y < rows->output;) {
        const ic_span row = ic_span_at(rows, y);
        if (is_few(row, column) && row.tap_count != 0) {
            best.first_tap = row.first_tap < best.first_tap ? row.first_tap : best.first_tap;
            end = row.first_tap + row.tap_count > end ? row.first_tap + row.tap_count : end;
        }
        y = row.end;
    }
    best.tap_count = end - best.first_tap;
    return best;
}

static void put_pixels(ic_builder *b, ic_filler *f, ic_span row, ic_span column) {
    for (size_t y = row.begin; y < row.end; y++) {
        for (size_t x = column.begin; x < column.end; x++) {
            ic_put_pixel(b, f, y, x);
        }
    }
}

/* The pixels of `column` in the rows of `row`, and in those that joined it. */
static void fill_region(ic_builder *b, const ic_axis *rows, ic_span row, ic_span column, bool with_few,
                        ic_tiling tiling) {
    ic_filler f = {.row = row, .column = column, .tiling = tiling};
    for (size_t y = 0; y < rows->output;) {
        const ic_span at = ic_span_at(rows, y);
        const bool is_own = at.begin == row.begin, is_joined = with_few && is_few(at, column);
        if (is_own || is_joined) {
            put_pixels(b, &f, at, column);
        }
        y = at.end;
    }
}

static void add_region(ic_builder *b, const ic_axis *rows, ic_span row, ic_span column, bool with_few, size_t pixels) {
    if (column.tap_count == 0) {
        row.tap_count = 0;
    }
    const bool fills = b->region != NULL;
    const ic_tiling tiling = ic_begin_region(b, row, column, pixels, false, true);
    if (fills) {
        fill_region(b, rows, row, column, with_few, tiling);
    }
}

/* All pixels of two spans, with their taps. */
static void add_pass(ic_builder *b, ic_span row, ic_span column, bool resumes, bool finishes) {
    if (row.end <= row.begin || column.end <= column.begin) {
        return;
    }
    const bool fills = b->region != NULL;
    const size_t pixels = (row.end - row.begin) * (column.end - column.begin);
    ic_filler f = {.row = row, .column = column};
    f.tiling = ic_begin_region(b, row, column, pixels, resumes, finishes);
    if (fills) {
        put_pixels(b, &f, row, column);
    }
}

/* The bias everywhere; then tap by tap, in the order of the sums of all other ways; then the bounds, if any. */
static void add_taps(ic_builder *b) {
    const ic_axis rows = ic_row_axis(b->desc, b->geometry), columns = ic_column_axis(b->desc, b->geometry);
    const ic_span all_rows = {0, rows.output, 0, 0}, all_columns = {0, columns.output, 0, 0};
    add_pass(b, all_rows, all_columns, false, false);
    for (size_t y = 0; y < rows.kernel; y++) {
        for (size_t x = 0; x < columns.kernel; x++) {
            add_pass(b, ic_outputs_of(&rows, y), ic_outputs_of(&columns, x), true, false);
        }
    }
    if (b->desc->output_min > -INFINITY || b->desc->output_max < INFINITY) {
        add_pass(b, all_rows, all_columns, true, true);
    }
}

/* Columns outside, so that the regions of one span of columns, whose largest takes in the few, are found together. */
static void add_regions(ic_builder *b) {
    const ic_axis rows = ic_row_axis(b->desc, b->geometry), columns = ic_column_axis(b->desc, b->geometry);
    const ic_span best = largest(&rows);
    for (size_t x = 0; x < columns.output;) {
        const ic_span column = columns_at(b->desc, &columns, x);
        const size_t width = column.end - column.begin;
        size_t few = 0;
        for (size_t y = 0; y < rows.output;) {
            const ic_span row = ic_span_at(&rows, y);
            if (is_few(row, column) && row.begin != best.begin) {
                few += (row.end - row.begin) * width;
            }
            y = row.end;
        }
        for (size_t y = 0; y < rows.output;) {
            const ic_span row = ic_span_at(&rows, y);
            const size_t pixels = (row.end - row.begin) * width;
            if (row.begin == best.begin) {
                add_region(b, &rows, joined(&rows, best, column), column, true, pixels + few);
            } else if (!is_few(row, column)) {
                add_region(b, &rows, row, column, false, pixels);
            }
            y = row.end;
        }
        x = column.end;
    }
}

ic_region ic_whole_region(const ic_conv2d_desc *desc, size_t pixels, unsigned max_rows) {
    const ic_region whole = {.pixels = pixels,
                             .taps = ic_taps(desc),
                             .channels = ic_group_inputs(desc),
                             .tiling = ic_make_tiling(pixels, max_rows),
                             .finishes = true};
    return whole;
}

size_t ic_region_bytes(const ic_region_sizes *sizes) {
    return sizes->regions * sizeof(ic_region) + (sizes->entries + sizes->output_entries) * sizeof(int64_t) +
           sizes->padding * sizeof(float);
}

/* Counts or fills. */
static void add_all(ic_builder *b, ic_split split) {
    b->merged = split == IC_SPLIT_REGIONS && is_mergeable(b->desc);
    if (split == IC_SPLIT_TAPS) {
        add_taps(b);
    } else {
        add_regions(b);
    }
}

bool ic_count_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ic_split split,
                      ic_region_sizes *sizes) {
    size_t most = ic_taps(desc);
    *sizes = (ic_region_sizes){.regions = 0};
    /* The most would be a region for each pixel, or for each tap (with one for the bias and one for the bounds), an
     * entry and an output for each pixel of each. */
    const size_t of_regions = sizeof(ic_region) / sizeof(int64_t);
    if ((split != IC_SPLIT_NOT && (!ic_add(&most, 2) || !ic_multiply(&most, 2 + of_regions))) ||
        !ic_multiply(&most, geometry->output_height) || !ic_multiply(&most, geometry->output_width) ||
        !ic_multiply(&most, sizeof(int64_t)) || !ic_is_array_size(most)) {
        return false;
    }
    if (split == IC_SPLIT_NOT) {
        sizes->entries = ic_taps(desc) * geometry->output_height * geometry->output_width;
    } else {
        ic_builder b = {.desc = desc, .geometry = geometry, .max_rows = max_rows};
        add_all(&b, split);
        *sizes = b.sizes;
    }
    if (ic_has_padding(desc) && split != IC_SPLIT_TAPS) {
        sizes->padding =
            ic_group_inputs(desc) * (split == IC_SPLIT_REGIONS && is_mergeable(desc) ? desc->kernel_width : 1);
    }
    return true;
}

void ic_fill_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ic_split split,
                     ic_region *regions, int64_t *offsets, int64_t *output_offsets) {
    ic_builder b = {.desc = desc,
                    .geometry = geometry,
                    .max_rows = max_rows,
                    .region = regions,
                    .offsets = offsets,
                    .output_offsets = output_offsets};
    if (split != IC_SPLIT_NOT) {
        add_all(&b, split);
        return;
    }
    const ic_span row = {0, geometry->output_height, 0, desc->kernel_height};
    const ic_span column = {0, geometry->output_width, 0, desc->kernel_width};
    ic_filler f = {.row = row, .column = column, .tiling = ic_make_tiling(row.end * column.end, max_rows)};
    put_pixels(&b, &f, row, column);
}
