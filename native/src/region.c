/* SPDX-License-Identifier: Apache-2.0 */
#include "region.h"

#include "kernels/kernel.h"
#include "memory.h"

typedef struct {
    size_t input, output, kernel, stride, dilation, before; /* `before`: padding at the start */
} axis;

static axis rows_of(const ic_conv2d_desc *desc, const ic_geometry *geometry) {
    const axis a = {geometry->input_height, geometry->output_height, desc->kernel_height,
                    desc->stride_height,    desc->dilation_height,   desc->pad_top};
    return a;
}

static axis columns_of(const ic_conv2d_desc *desc, const ic_geometry *geometry) {
    const axis a = {geometry->input_width, geometry->output_width, desc->kernel_width,
                    desc->stride_width,    desc->dilation_width,   desc->pad_left};
    return a;
}

static ic_span taps_at(const axis *a, size_t out) {
    const size_t at = out * a->stride, limit = a->input + a->before;
    ic_span s = {out, out + 1, 0, 0};
    s.first_tap = at >= a->before ? 0 : (a->before - at + a->dilation - 1) / a->dilation;
    size_t end = at >= limit ? 0 : (limit - 1 - at) / a->dilation + 1;
    end = end < a->kernel ? end : a->kernel;
    if (end <= s.first_tap) {
        s.first_tap = 0;
    } else {
        s.tap_count = end - s.first_tap;
    }
    return s;
}

/* The span that begins at output `out`. */
static ic_span span_at(const axis *a, size_t out) {
    ic_span s = taps_at(a, out);
    if (s.tap_count == a->kernel) { /* the inner one ends where its last tap leaves the input */
        s.end = (a->input + a->before - 1 - (a->kernel - 1) * a->dilation) / a->stride + 1;
        s.end = s.end < a->output ? s.end : a->output;
        return s;
    }
    while (s.end < a->output) {
        const ic_span next = taps_at(a, s.end);
        if (next.first_tap != s.first_tap || next.tap_count != s.tap_count) {
            break;
        }
        s.end++;
    }
    return s;
}

ic_span ic_row_taps(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t out) {
    const axis rows = rows_of(desc, geometry);
    return taps_at(&rows, out);
}

ic_span ic_column_span(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t out) {
    const axis columns = columns_of(desc, geometry);
    return span_at(&columns, out);
}

/* The taps of a kernel row lie side by side in the input and in the weights. */
static bool is_mergeable(const ic_conv2d_desc *desc) {
    return desc->groups == 1 && (desc->dilation_width == 1 || desc->kernel_width == 1);
}

/* A span of columns; all of them, with padding entries, where taps cannot be merged: the way over the weights of absent
 * columns would then differ from tap to tap. */
static ic_span columns_at(const ic_conv2d_desc *desc, const axis *columns, size_t out) {
    if (is_mergeable(desc)) {
        return span_at(columns, out);
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
static ic_span largest(const axis *rows) {
    ic_span best = {0, 0, 0, 0};
    for (size_t y = 0; y < rows->output;) {
        const ic_span row = span_at(rows, y);
        if (row.end - row.begin > best.end - best.begin) {
            best = row;
        }
        y = row.end;
    }
    return best;
}

/* `best`, with the taps of all that join it. */
static ic_span joined(const axis *rows, ic_span best, ic_span column) {
    size_t end = best.first_tap + best.tap_count;
    for (size_t y = 0; y < rows->output;) {
        const ic_span row = span_at(rows, y);
        if (is_few(row, column) && row.tap_count != 0) {
            best.first_tap = row.first_tap < best.first_tap ? row.first_tap : best.first_tap;
            end = row.first_tap + row.tap_count > end ? row.first_tap + row.tap_count : end;
        }
        y = row.end;
    }
    best.tap_count = end - best.first_tap;
    return best;
}

typedef struct {
    const ic_conv2d_desc *desc;
    const ic_geometry *geometry;
    unsigned max_rows;
    bool merged;
    ic_region *region;                 /* the next one; NULL: count only */
    int64_t *offsets, *output_offsets; /* output_offsets NULL: not wanted */
    ic_region_sizes sizes;             /* so far */
} builder;

typedef struct {
    size_t row, column;
} pixel;

static int64_t entry_of(const builder *b, pixel p, size_t tap_row, size_t tap_column) {
    const ic_geometry *geometry = b->geometry;
    const size_t row = ic_input_row(b->desc, p.row, tap_row);
    const size_t column = ic_input_column(b->desc, p.column, tap_column);
    if (row >= geometry->input_height || column >= geometry->input_width) {
        return IC_PADDING_ENTRY;
    }
    return (int64_t)((row * geometry->input_width + column) * b->desc->in_channels * sizeof(float));
}

static void fill_tile(builder *b, ic_span taps_down, ic_span taps_across, const pixel *pixels, unsigned rows) {
    const size_t across = b->merged ? 1 : taps_across.tap_count;
    for (size_t y = 0; y < taps_down.tap_count; y++) {
        for (size_t x = 0; x < across; x++) {
            for (unsigned r = 0; r < rows; r++) {
                *b->offsets++ = entry_of(b, pixels[r], taps_down.first_tap + y, taps_across.first_tap + x);
            }
        }
    }
    if (b->output_offsets != NULL) {
        for (unsigned r = 0; r < rows; r++) {
            const size_t at = pixels[r].row * b->geometry->output_width + pixels[r].column;
            *b->output_offsets++ = (int64_t)(at * b->desc->out_channels * sizeof(float));
        }
    }
}

/* The pixels of `column` in the rows of `row`, and in those that joined it. */
static void fill_region(builder *b, const axis *rows, ic_span row, ic_span column, bool with_few, ic_tiling tiling) {
    pixel pixels[IC_MAX_ROWS];
    size_t tiles = 0;
    unsigned held = 0;
    for (size_t y = 0; y < rows->output;) {
        const ic_span at = span_at(rows, y);
        const bool is_own = at.begin == row.begin, is_joined = with_few && is_few(at, column);
        for (size_t out_row = at.begin; (is_own || is_joined) && out_row < at.end; out_row++) {
            for (size_t out_column = column.begin; out_column < column.end; out_column++) {
                pixels[held].row = out_row;
                pixels[held++].column = out_column;
                if (held == (tiles < tiling.tall ? tiling.tall_rows : tiling.low_rows)) {
                    fill_tile(b, row, column, pixels, held);
                    held = 0;
                    tiles++;
                }
            }
        }
        y = at.end;
    }
}

static void add_region(builder *b, const axis *rows, ic_span row, ic_span column, bool with_few, size_t pixels) {
    const size_t channels = ic_group_inputs(b->desc), row_products = b->desc->kernel_width * channels;
    const size_t across = b->merged ? 1 : column.tap_count;
    const size_t taps = column.tap_count == 0 ? 0 : row.tap_count * across;
    if (column.tap_count == 0) {
        row.tap_count = 0;
    }
    if (b->region != NULL) {
        ic_region *region = b->region++;
        region->pixels = pixels;
        region->taps = taps;
        region->channels = b->merged ? column.tap_count * channels : channels;
        region->weights_start = row.first_tap * row_products + column.first_tap * channels;
        region->weights_gap = b->merged ? row_products - region->channels : 0;
        region->first_entry = b->sizes.entries;
        region->first_pixel = b->sizes.output_entries;
        region->tiling = ic_make_tiling(pixels, b->max_rows);
        fill_region(b, rows, row, column, with_few, region->tiling);
    }
    b->sizes.regions++;
    b->sizes.entries += pixels * taps;
    b->sizes.output_entries += pixels;
}

/* Columns outside, so that the regions of one span of columns, whose largest takes in the few, are found together. */
static void add_regions(builder *b) {
    const axis rows = rows_of(b->desc, b->geometry), columns = columns_of(b->desc, b->geometry);
    const ic_span best = largest(&rows);
    for (size_t x = 0; x < columns.output;) {
        const ic_span column = columns_at(b->desc, &columns, x);
        const size_t width = column.end - column.begin;
        size_t few = 0;
        for (size_t y = 0; y < rows.output;) {
            const ic_span row = span_at(&rows, y);
            if (is_few(row, column) && row.begin != best.begin) {
                few += (row.end - row.begin) * width;
            }
            y = row.end;
        }
        for (size_t y = 0; y < rows.output;) {
            const ic_span row = span_at(&rows, y);
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
    const ic_region whole = {
        pixels, ic_taps(desc), ic_group_inputs(desc), 0, 0, 0, 0, ic_make_tiling(pixels, max_rows)};
    return whole;
}

size_t ic_region_bytes(const ic_region_sizes *sizes) {
    return sizes->regions * sizeof(ic_region) + (sizes->entries + sizes->output_entries) * sizeof(int64_t) +
           sizes->padding * sizeof(float);
}

bool ic_count_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, bool split, ic_region_sizes *sizes) {
    size_t most = ic_taps(desc);
    *sizes = (ic_region_sizes){0, 0, 0, 0};
    /* An entry for each tap and the output, and a region for each pixel, would be the most. */
    if ((split && !ic_add(&most, 1 + sizeof(ic_region) / sizeof(int64_t))) ||
        !ic_multiply(&most, geometry->output_height) || !ic_multiply(&most, geometry->output_width) ||
        !ic_multiply(&most, sizeof(int64_t)) || !ic_is_array_size(most)) {
        return false;
    }
    if (split) {
        builder b = {desc, geometry, 1, is_mergeable(desc), NULL, NULL, NULL, {0, 0, 0, 0}};
        add_regions(&b);
        *sizes = b.sizes;
    } else {
        sizes->entries = ic_taps(desc) * geometry->output_height * geometry->output_width;
    }
    if (ic_has_padding(desc)) {
        sizes->padding = ic_group_inputs(desc) * (split && is_mergeable(desc) ? desc->kernel_width : 1);
    }
    return true;
}

void ic_fill_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, bool split,
                     ic_region *regions, int64_t *offsets, int64_t *output_offsets) {
    builder b = {desc, geometry, max_rows, split && is_mergeable(desc), regions, offsets, output_offsets, {0, 0, 0, 0}};
    if (split) {
        add_regions(&b);
        return;
    }
    const axis rows = rows_of(desc, geometry);
    const ic_span row = {0, rows.output, 0, desc->kernel_height};
    const ic_span column = {0, geometry->output_width, 0, desc->kernel_width};
    const ic_tiling tiling = ic_make_tiling(rows.output * geometry->output_width, max_rows);
    pixel pixels[IC_MAX_ROWS];
    size_t at = 0;
    for (size_t tile = 0; tile < tiling.tall + tiling.low; tile++) {
        const unsigned height = tile < tiling.tall ? tiling.tall_rows : tiling.low_rows;
        for (unsigned r = 0; r < height; r++, at++) {
            pixels[r].row = at / geometry->output_width;
            pixels[r].column = at % geometry->output_width;
        }
        fill_tile(&b, row, column, pixels, height);
    }
}
