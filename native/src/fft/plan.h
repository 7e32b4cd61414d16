/* SPDX-License-Identifier: Apache-2.0
 * Sizes of tiles that can be transformed, and how an image is cut into them. */
#ifndef IC_FFT_PLAN_H
#define IC_FFT_PLAN_H

#include "core/geometry.h"
#include "kernels/fft.h"

/* What a plan points to. A pass of n numbers has fewer than 2 n twiddles, and the next one half of it at most. */
typedef struct {
    float numbers[6 * IC_FFT_MOST_TILE];
    unsigned char places[IC_FFT_MOST_TILE / 2 * 3];
} ic_fft_tables;

/* Number `index` of the tiles, the smallest first; 0 past the end. */
unsigned ic_fft_tile(unsigned index);

/* The tables belong to the plan: both stay where they are. */
void ic_fft_make_plan(unsigned tile, ic_fft_tables *tables, ic_fft_plan *plan);

/* Outputs of one axis in tiles. */
typedef struct {
    size_t tiles, step; /* outputs of each, of the last one maybe fewer */
} ic_fft_axis;

typedef struct {
    ic_fft_axis down, across;
} ic_fft_cut;

/* Input pixels that the kernel spans, in the larger direction. */
size_t ic_fft_extent(const ic_conv2d_desc *desc);

/* Of a tile that the kernel fits. */
ic_fft_cut ic_fft_cut_of(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned tile);

/* The tile that should take least time. */
unsigned ic_fft_choose_tile(const ic_conv2d_desc *desc, const ic_geometry *geometry);

#endif
