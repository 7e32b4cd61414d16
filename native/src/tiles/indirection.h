/* SPDX-License-Identifier: Apache-2.0
 * The indirection buffer: counted, so that memory for it can be had, then filled. */
#ifndef IC_INDIRECTION_H
#define IC_INDIRECTION_H

#include "tiles/region.h"

/* All of it, in bytes. */
size_t ic_region_bytes(const ic_region_sizes *sizes);

/* For tiles of up to `max_rows`. False where an array of that size cannot be. */
bool ic_count_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ic_split split,
                      ic_region_sizes *sizes);

/* Fills `regions` and `offsets`, of the sizes counted. Offsets are in bytes from the image's first element, or
 * IC_PADDING_ENTRY for padding. */
void ic_fill_regions(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ic_split split,
                     ic_region *regions, ptrdiff_t *offsets);

/* Without split, the indirection buffer of the published algorithm: [tile][tap][row], every tap by itself. */
void ic_fill_offsets(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned max_rows, ptrdiff_t *offsets);

#endif
