/* SPDX-License-Identifier: Apache-2.0 */
#include "tiles/indirection.h"

#include "core/memory.h"
#include "core/type.h"
#include "tiles/builder.h"

#include <math.h>

/* A span of columns; all of them, with padding entries, where taps cannot be merged: the way over the weights of absent
 * columns would then differ from tap to tap. */
static ic_span columns_at(const ic_conv2d_desc *desc, const ic_axis *columns, size_t out) {
    if (ic_merges_taps(desc, IC_SPLIT_REGIONS)) {
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
    for (size_t y = row.begin; y < row.end && f->pixel < f->region.length; y++) {
        for (size_t x = column.begin; x < column.end; x++) {
            ic_put_pixel(b, f, y, x);
        }
    }
}

/* Rows of a column that form a region: those of `row`, whose taps it has, and maybe those that are few. */
typedef struct {
    ic_span row;
    bool with_few;
    size_t pixels;
    bool is_rectangle;
} row_set;

static bool is_of(const row_set *set, ic_span row, ic_span column) {
    return row.begin == set->row.begin || (set->with_few && is_few(row, column));
}

/* `best` with the few. */
static row_set joined_rows(const ic_axis *rows, ic_span best, ic_span column) {
    row_set set = {joined(rows, best, column), true, 0, true};
    size_t end = 0; /* of the rows so far */
    for (size_t y = 0; y < rows->output;) {
        const ic_span row = ic_span_at(rows, y);
        if (is_of(&set, row, column)) {
            set.is_rectangle = set.is_rectangle && (set.pixels == 0 || row.begin == end);
            set.pixels += (row.end - row.begin) * (column.end - column.begin);
            end = row.end;
        }
        y = row.end;
    }
    return set;
}

static void add_region(ic_builder *b, const ic_axis *rows, const row_set *set, ic_span column) {
    ic_span taps = set->row;
    if (column.tap_count == 0) {
        taps.tap_count = 0;
    }
    const bool fills = b->region != NULL,
               has_more = set->pixels != (taps.end - taps.begin) * (column.end - column.begin);
    const bool pads_columns = (b->desc->pad_left | b->desc->pad_right) != 0 && !ic_merges_taps(b->desc, b->split);
    ic_filler f = ic_begin_region(b, taps, column, set->pixels, has_more || pads_columns, set->is_rectangle);
    for (size_t y = 0; fills && y < rows->output;) {
        const ic_span row = ic_span_at(rows, y);
        if (is_of(set, row, column)) {
            put_pixels(b, &f, row, column);
        }
        y = row.end;
    }
}

/* All pixels of two spans, with their taps. */
static void add_pass(ic_builder *b, ic_span row, ic_span column) {
    if (row.end <= row.begin || column.end <= column.begin) {
        return;
    }
    const bool fills = b->region != NULL;
    const size_t pixels = (row.end - row.begin) * (column.end - column.begin);
    ic_filler f = ic_begin_region(b, row, column, pixels, false, true);
    if (fills) {
        put_pixels(b, &f, row, column);
    }
}

/* The bias everywhere; then tap by tap, in the order of the sums of all other ways; then the bounds, if any. */
static void add_taps(ic_builder *b) {
    const ic_axis rows = ic_row_axis(b->desc, b->geometry), columns = ic_column_axis(b->desc, b->geometry);
    const ic_span all_rows = {0, rows.output, 0, 0}, all_columns = {0, columns.output, 0, 0};
    add_pass(b, all_rows, all_columns);
    for (size_t y = 0; y < rows.kernel; y++) {
        for (size_t x = 0; x < columns.kernel; x++) {
            add_pass(b, ic_outputs_of(&rows, y), ic_outputs_of(&columns, x));
        }
    }
    if (b->desc->output_min > -INFINITY || b->desc->output_max < INFINITY) {
        add_pass(b, all_rows, all_columns);
    }
}

/* Columns outside, so that the regions of one span of columns, whose largest takes in the few, are found together. */
static void add_regions(ic_builder *b) {
    const ic_axis rows = ic_row_axis(b->desc, b->geometry), columns = ic_column_axis(b->desc, b->geometry);
    const ic_span best = largest(&rows);
    for (size_t x = 0; x < columns.output;) {
        const ic_span column = columns_at(b->desc, &columns, x);
        for (size_t y = 0; y < rows.output;) {
            const ic_span row = ic_span_at(&rows, y);
            if (row.begin == best.begin) {
                const row_set set = joined_rows(&rows, best, column);
                add_region(b, &rows, &set, column);
            } else if (!is_few(row, column)) {
                const row_set set = {row, false, (row.end - row.begin) * (column.end - column.begin), true};
                add_region(b, &rows, &set, column);
            }
            y = row.end;
        }
        x = column.end;
    }
}

size_t ic_region_bytes(const ic_region_sizes *sizes) {
    return sizes->regions * sizeof(ic_region) + sizes->entries * sizeof(ptrdiff_t) + sizes->padding;
}

/* Counts or fills. */
static void add_all(ic_builder *b) {
    if (b->split == IC_SPLIT_TAPS) {
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
     * entry and a place for each pixel of each. */
    const size_t of_regions = sizeof(ic_region) / sizeof(ptrdiff_t);
    if ((split != IC_SPLIT_NOT && (!ic_add(&most, 2) || !ic_multiply(&most, 2 + of_regions))) ||
        !ic_multiply(&most, geometry->output_height) || !ic_multiply(&most, geometry->output_width) ||
        !ic_multiply(&most, sizeof(ptrdiff_t)) || !ic_is_array_size(most)) {
        return false;
    }
    if (split == IC_SPLIT_NOT) {
        sizes->entries = ic_taps(desc) * geometry->output_height * geometry->output_width;
    } else {
        ic_builder b = ic_begin_builder(desc, geometry, max_rows, split);
        add_all(&b);
        *sizes = b.sizes;
    }
    if (ic_has_padding(desc) && split != IC_SPLIT_TAPS) {
        const size_t channels = ic_group_inputs(desc) * (ic_merges_taps(desc, split) ? desc->kernel_width : 1);
        sizes->padding = channels * ic_type_of(desc->type)->bytes;
    }
    return true;
}

void ic_fill_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ic_split split,
                     ic_region *regions, ptrdiff_t *offsets) {
    ic_builder b = ic_begin_builder(desc, geometry, max_rows, split);
    b.region = regions;
    b.offsets = offsets;
    add_all(&b);
}

void ic_fill_offsets(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ptrdiff_t *offsets) {
    const size_t width = geometry->output_width, pixels = geometry->output_height * width;
    const ic_tiling tiling = ic_make_tiling(pixels, max_rows);
    const ic_builder b = ic_begin_builder(desc, geometry, max_rows, IC_SPLIT_NOT);
    for (size_t tile = 0, pixel = 0; pixel < pixels; tile++) {
        const unsigned rows = tile < tiling.tall ? tiling.tall_rows : tiling.low_rows;
        for (size_t tap = 0; tap < ic_taps(desc); tap++) {
            size_t row = pixel / width, column = pixel % width;
            for (unsigned r = 0; r < rows; r++) {
                *offsets++ = ic_entry_of(&b, row, column, tap / desc->kernel_width, tap % desc->kernel_width);
                if (++column == width) {
                    row++, column = 0;
                }
            }
        }
        pixel += rows;
    }
}
