/* SPDX-License-Identifier: Apache-2.0
 * Regions: output pixels of one image that share their taps, and are tiled together.
 *
 * The published algorithm is one region with a pointer per tap and a row of zeros for padding. There are two ways
 * without the padding. Pixels sorted by which taps they have at all: the KW x Cin floats of a kernel row, which lie
 * side by side in NHWC, are one long tap then. Or a region for each tap, of all the pixels that have it, the sums
 * waiting in the output meanwhile: in a small image that makes fewer and taller tiles. */
#ifndef IC_REGION_H
#define IC_REGION_H

#include "geometry.h"
#include "kernels/kernel.h"
#include "tiling.h"

#include <stdbool.h>

typedef enum { IC_SPLIT_NOT, IC_SPLIT_REGIONS, IC_SPLIT_TAPS } ic_split;

typedef struct {
    size_t pixels;
    size_t taps, channels;             /* of every pixel; after merging */
    size_t weights_start, weights_gap; /* products to pass over before the first tap, and after each */
    size_t first_entry;                /* of its first tile in the indirection buffer: [tile][tap][row] */
    size_t first_pixel;                /* of its first tile in the output offsets: [pixel] */
    ic_tiling tiling;
    bool resumes, finishes; /* not with the bias begins the sum; it is within the bounds of the output at the end */
} ic_region;

/* All pixels, every tap by itself. */
ic_region ic_whole_region(const ic_conv2d_desc *desc, size_t pixels, unsigned max_rows);

/* What reshape has to build. */
typedef struct {
    size_t regions, entries, output_entries; /* counts; without split, regions and output_entries are 0 */
    size_t padding;                          /* floats of the row of zeros, at most */
    double steps[IC_MAX_ROWS + 1];           /* by height: products of a pixel, of all tiles; with split */
    double resumed[IC_MAX_ROWS + 1];         /* by height: tiles that go on with what the output holds */
} ic_region_sizes;

/* All of it, in bytes. */
size_t ic_region_bytes(const ic_region_sizes *sizes);

/* For tiles of up to `max_rows`. False where an array of that size cannot be. */
bool ic_count_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ic_split split,
                      ic_region_sizes *sizes);

/* Fills `regions` (with split), `offsets` and `output_offsets` (with split), of the sizes counted. Offsets are in
 * bytes from the image's first float, and IC_PADDING_ENTRY for padding. */
void ic_fill_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ic_split split,
                     ic_region *regions, int64_t *offsets, int64_t *output_offsets);

#endif
