/* SPDX-License-Identifier: Apache-2.0
 * How the tiles of an object are cut into pieces of work: runs of equal tiles of one region. */
#ifndef IC_PIECE_H
#define IC_PIECE_H

#include "tiles/tiled.h"

/* Equal tiles that follow one another. */
typedef struct {
    const ic_region *region;
    unsigned rows;
    size_t pixel, tiles; /* first pixel, counted in the region */
} ic_piece;

/* Where the next piece begins. */
typedef struct {
    size_t region, tile; /* tile counted in the region */
} ic_cursor;

/* Tiles of a piece at most: of a block, or what one of several threads takes of `panels` panels. */
size_t ic_tiles_at_once(const ic_tiled *tiled, size_t panels);

/* False behind the last one. */
bool ic_next_piece(const ic_tiled *tiled, size_t most_tiles, ic_cursor *at, ic_piece *p);

#endif
