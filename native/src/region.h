/* SPDX-License-Identifier: Apache-2.0
 * Regions: output pixels of one image that share their taps, and are tiled together.
 *
 * The published algorithm is one region with a pointer per tap and a row of zeros for padding. With `merged` taps and
 * the pixels sorted by which taps they have at all, padding is neither read nor multiplied, and the KW x Cin floats of
 * a kernel row, which lie side by side in NHWC, are one long tap. */
#ifndef IC_REGION_H
#define IC_REGION_H

#include "geometry.h"
#include "tiling.h"

/* Neighbouring outputs along one axis that have the same taps inside the input. */
typedef struct {
    size_t begin, end;           /* outputs */
    size_t first_tap, tap_count; /* 0 and 0 where all taps lie in the padding */
} ic_span;

/* Row `out` alone; the columns from `out` on. */
ic_span ic_row_taps(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t out);
ic_span ic_column_span(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t out);

typedef struct {
    size_t pixels;
    size_t taps, channels;             /* of every pixel; after merging */
    size_t weights_start, weights_gap; /* products to pass over before the first tap, and after each */
    size_t first_entry;                /* of its first tile in the indirection buffer: [tile][tap][row] */
    size_t first_pixel;                /* of its first tile in the output offsets: [pixel] */
    ic_tiling tiling;
} ic_region;

/* All pixels, every tap by itself. */
ic_region ic_whole_region(const ic_conv2d_desc *desc, size_t pixels, unsigned max_rows);

/* What reshape has to build, for the published way (`split` false) or by regions. */
typedef struct {
    size_t regions, entries, output_entries; /* counts; without split, regions and output_entries are 0 */
    size_t padding;                          /* floats of the row of zeros, at most */
} ic_region_sizes;

/* All of it, in bytes. */
size_t ic_region_bytes(const ic_region_sizes *sizes);

/* False where an array of that size cannot be. */
bool ic_count_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, bool split, ic_region_sizes *sizes);

/* Fills `regions` (with split), `offsets` and `output_offsets` (with split), of the sizes counted. Offsets are in
 * bytes from the image's first float, and IC_PADDING_ENTRY for padding. */
void ic_fill_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, bool split,
                     ic_region *regions, int64_t *offsets, int64_t *output_offsets);

#endif
