/* SPDX-License-Identifier: Apache-2.0
 * What regions are made with: counted at first, so that memory for them can be had, then filled. */
#ifndef IC_BUILDER_H
#define IC_BUILDER_H

#include "tiles/region.h"
#include "tiles/span.h"

typedef struct {
    const ic_conv2d_desc *desc;
    const ic_geometry *geometry;
    unsigned max_rows;
    ic_split split;
    size_t input_pixel, output_pixel; /* bytes of all channels */
    ic_region *region;                /* the next one; NULL: count only */
    ptrdiff_t *offsets;               /* of all regions */
    ic_region_sizes sizes;            /* so far */
} ic_builder;

/* A region under way. */
typedef struct {
    ic_span row, column; /* their taps are the region's */
    ic_region region;
    size_t pixel; /* next one */
} ic_filler;

/* Counts a region of `pixels`, whose taps are those of `row` and `column`, and describes it where regions are wanted.
 * `lacks_taps`: some of its pixels don't have all of them. `is_rectangle`: its rows are neighbours. */
ic_filler ic_begin_region(ic_builder *b, ic_span row, ic_span column, size_t pixels, bool lacks_taps,
                          bool is_rectangle);
/* The entries of the region's next pixel, row by row; nothing past those that its table holds. */
void ic_put_pixel(ic_builder *b, ic_filler *f, size_t row, size_t column);

/* Counts nothing so far. */
ic_builder ic_begin_builder(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ic_split split);

/* What a tap of a pixel reads: bytes from the image's first element, or IC_PADDING_ENTRY. */
ptrdiff_t ic_entry_of(const ic_builder *b, size_t row, size_t column, size_t tap_row, size_t tap_column);

#endif
