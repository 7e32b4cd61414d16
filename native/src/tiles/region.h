/* SPDX-License-Identifier: Apache-2.0
 * Regions: output pixels of one image that share their taps, and are tiled together.
 *
 * The published algorithm is one region with a pointer per tap and a row of zeros for padding. There are two ways
 * without the padding. Pixels sorted by which taps they have at all: the KW x Cin elements of a kernel row, which lie
 * side by side in NHWC, are one long tap then. Or a region for each tap, of all the pixels that have it, the sums
 * waiting in the output meanwhile: in a small image that makes fewer and taller tiles. */
#ifndef IC_REGION_H
#define IC_REGION_H

#include "core/geometry.h"
#include "kernels/kernel.h"
#include "tiles/tiling.h"

#include <stdbool.h>

typedef enum { IC_SPLIT_NOT, IC_SPLIT_REGIONS, IC_SPLIT_TAPS } ic_split;

/* The indirection buffer of a region is a table of its first `length` pixels, [tap][pixel], whose taps are
 * `tap_entries` apart, and the places of these pixels in the output, [pixel]. Pixels beyond it are those of a table's
 * rows, moved by whole rows of the region; so a few rows of entries serve it all. Where pixels lack taps of the region,
 * or have some in the padding (columns that cannot be sorted, see indirection.c), the table holds all of them. */
typedef struct {
    ic_tiling tiling;
    size_t taps, channels; /* of every pixel; after merging */
    size_t weights_start;  /* products to pass over before the first tap */
    size_t first_entry;    /* of the table, in the indirection buffer */
    size_t width, length, tap_entries;
} ic_region;

/* The first of the places, which follow the taps. */
static inline size_t ic_first_place(const ic_region *region) {
    return region->first_entry + (region->taps == 0 ? 0 : (region->taps - 1) * region->tap_entries + region->length);
}

/* The taps of a kernel row, which lie side by side in the input and in the weights, are one. */
static inline bool ic_merges_taps(const ic_conv2d_desc *desc, ic_split split) {
    return split == IC_SPLIT_REGIONS && desc->groups == 1 && (desc->dilation_width == 1 || desc->kernel_width == 1);
}

/* The `index`th region goes on with sums of the one before; the first one begins with the bias. */
static inline bool ic_region_resumes(ic_split split, size_t index) {
    return split == IC_SPLIT_TAPS && index != 0;
}

/* What reshape has to build. */
typedef struct {
    size_t regions, entries;         /* counts; without split, regions is 0 */
    size_t padding;                  /* bytes of the row of zeros, at most */
    double steps[IC_MAX_ROWS + 1];   /* by height: products of a pixel, of all tiles; with split */
    double resumed[IC_MAX_ROWS + 1]; /* by height: tiles that go on with what the output holds */
} ic_region_sizes;

#endif
