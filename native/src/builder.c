/* SPDX-License-Identifier: Apache-2.0 */
#include "builder.h"

static int64_t entry_of(const ic_builder *b, ic_pixel p, size_t tap_row, size_t tap_column) {
    const ic_geometry *geometry = b->geometry;
    const size_t row = ic_input_row(b->desc, p.row, tap_row);
    const size_t column = ic_input_column(b->desc, p.column, tap_column);
    if (row >= geometry->input_height || column >= geometry->input_width) {
        return IC_PADDING_ENTRY;
    }
    return (int64_t)((row * geometry->input_width + column) * b->desc->in_channels * sizeof(float));
}

static void fill_tile(ic_builder *b, ic_span taps_down, ic_span taps_across, const ic_pixel *pixels, unsigned rows) {
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

void ic_put_pixel(ic_builder *b, ic_filler *f, size_t row, size_t column) {
    f->pixels[f->held].row = row;
    f->pixels[f->held++].column = column;
    if (f->held == (f->tiles < f->tiling.tall ? f->tiling.tall_rows : f->tiling.low_rows)) {
        fill_tile(b, f->row, f->column, f->pixels, f->held);
        f->held = 0;
        f->tiles++;
    }
}

ic_tiling ic_begin_region(ic_builder *b, ic_span row, ic_span column, size_t pixels, bool resumes, bool finishes) {
    const size_t channels = ic_group_inputs(b->desc), row_products = b->desc->kernel_width * channels;
    const size_t across = b->merged ? 1 : column.tap_count, taps = row.tap_count * across;
    const size_t long_tap = b->merged ? column.tap_count * channels : channels;
    const ic_tiling tiling = ic_make_tiling(pixels, b->max_rows);
    if (b->region != NULL) {
        ic_region *region = b->region++;
        region->pixels = pixels;
        region->taps = taps;
        region->channels = long_tap;
        region->weights_start = row.first_tap * row_products + column.first_tap * channels;
        region->weights_gap = b->merged ? row_products - long_tap : 0;
        region->first_entry = b->sizes.entries;
        region->first_pixel = b->sizes.output_entries;
        region->tiling = tiling;
        region->resumes = resumes;
        region->finishes = finishes;
    }
    b->sizes.regions++;
    b->sizes.entries += pixels * taps;
    b->sizes.output_entries += pixels;
    const double products = (double)taps * (double)long_tap;
    b->sizes.steps[tiling.low_rows] += products * (double)tiling.low;
    b->sizes.resumed[tiling.low_rows] += resumes ? (double)tiling.low : 0;
    if (tiling.tall != 0) {
        b->sizes.steps[tiling.tall_rows] += products * (double)tiling.tall;
        b->sizes.resumed[tiling.tall_rows] += resumes ? (double)tiling.tall : 0;
    }
    return tiling;
}
