/* SPDX-License-Identifier: Apache-2.0
 * How output pixels are cut into tiles: as few as the kernel allows, heights differing by one at most, the tall ones
 * first. A padded last tile, or a very low one, would cost up to a tenth of a 7x7 layer. */
#ifndef IC_TILING_H
#define IC_TILING_H

#include <stddef.h>

typedef struct {
    size_t tall, low;             /* numbers of tiles */
    unsigned tall_rows, low_rows; /* their heights */
} ic_tiling;

static inline ic_tiling ic_make_tiling(size_t pixels, unsigned max_rows) {
    const size_t tiles = pixels / max_rows + (pixels % max_rows != 0);
    const unsigned rows = (unsigned)(pixels / tiles);
    const size_t tall = pixels % tiles;
    const ic_tiling tiling = {tall, tiles - tall, rows + 1, rows};
    return tiling;
}

#endif
