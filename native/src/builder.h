/* SPDX-License-Identifier: Apache-2.0
 * What regions are made with: counted at first, so that memory for them can be had, then filled tile by tile. */
#ifndef IC_BUILDER_H
#define IC_BUILDER_H

#include "region.h"
#include "span.h"

typedef struct {
    const ic_conv2d_desc *desc;
    const ic_geometry *geometry;
    unsigned max_rows;
    bool merged;                       /* the taps of a kernel row are one long tap */
    ic_region *region;                 /* the next one; NULL: count only */
    int64_t *offsets, *output_offsets; /* output_offsets NULL: not wanted */
    ic_region_sizes sizes;             /* so far */
} ic_builder;

typedef struct {
    size_t row, column;
} ic_pixel;

/* A region under way. */
typedef struct {
    ic_span row, column; /* their taps are the region's */
    ic_tiling tiling;
    ic_pixel pixels[IC_MAX_ROWS]; /* of the next tile */
    unsigned held;
    size_t tiles; /* so far */
} ic_filler;

/* Counts a region of `pixels`, whose taps are those of `row` and `column`, and describes it where regions are wanted.
 */
ic_tiling ic_begin_region(ic_builder *b, ic_span row, ic_span column, size_t pixels, bool resumes, bool finishes);
/* The region's next pixel; pointers of a tile are filled when its last one is put. */
void ic_put_pixel(ic_builder *b, ic_filler *f, size_t row, size_t column);

#endif
