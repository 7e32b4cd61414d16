/* SPDX-License-Identifier: Apache-2.0
 * An object whose outputs are computed in tiles of pixels by panels of channels. */
#ifndef IC_TILED_H
#define IC_TILED_H

#include "object.h"
#include "tiles/pack.h"
#include "tiles/region.h"

typedef struct {
    ic_conv2d base;
    ic_packing packing;
    ic_fetch fetch;  /* with the schedule's `ahead` */
    ic_order order;  /* that runs, see schedule; with blocks by pixel, with another split by panel */
    void *padding;   /* zeros for the longest tap; NULL where no pointer leads there */
    size_t pixels;   /* that are tiled together: of an image, or of all */
    ic_region whole; /* the one region where the pixels are not split; without table */
    const ic_region *regions;
    size_t region_count;
    void *pointers;      /* indirect: where the pixels are split the regions, then offsets */
    ptrdiff_t *offsets;  /* in `pointers`, for one image and group 0; NULL where tiles follow one another in memory */
    char *matrix;        /* im2col: [output pixel][tap][channel] of one image and group; with blocks, of one block for
                            each thread */
    size_t matrix_block; /* bytes of a thread's block; 0 without blocks */
} ic_tiled;

#endif
