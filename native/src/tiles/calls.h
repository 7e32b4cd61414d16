/* SPDX-License-Identifier: Apache-2.0
 * The micro-kernel's calls: where the operands of a piece's tiles lie. */
#ifndef IC_CALLS_H
#define IC_CALLS_H

#include "tiles/piece.h"

/* One image and group. */
typedef struct {
    const ic_tiled *tiled;
    size_t element;    /* bytes of one */
    const char *input; /* of the group's first channel; or the matrix */
    char *output;      /* of the group's first channel */
    const char *weights;
    size_t panel;      /* elements of one packed panel */
    const char *image; /* im2col with blocks: what the matrix is made of */
    size_t row_bytes;  /* from a pixel's taps to the next one's, where there are no offsets */
    size_t panels, most_tiles;
} ic_job;

/* The rows of a tile that lie one after the other: the offsets of its input, then of its output. */
void ic_lay_rows(const ic_job *j, ptrdiff_t row_offsets[2 * IC_MAX_ROWS]);

/* What is the same for all tiles that one thread computes, with rows that were laid. */
ic_tile_run ic_first_run(const ic_job *j, const char *input, const ptrdiff_t *row_offsets);

/* The tiles of a piece, of one panel. */
void ic_run_piece(const ic_job *j, const char *input, ic_tile_run *run, const ic_piece *p, size_t panel);

/* Tile by tile, all panels of each: one run of the kernel for those of full width, one for a narrower last one. */
void ic_run_all_panels(const ic_job *j, const char *input, const ic_tile_run *first, const ic_piece *p);

#endif
