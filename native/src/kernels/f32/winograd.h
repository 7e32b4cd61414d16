/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms of a tile of m x m outputs of a 3x3 convolution, F(m x m, 3 x 3), m being 2, 4 or 6: a patch of
 * n x n inputs, n = m + 2, becomes n x n points, and n x n sums of products become the outputs. A vector holds
 * neighbouring channels. docs/kernels.md has the polynomials' points and the error. */
#ifndef IC_WINOGRAD_H
#define IC_WINOGRAD_H

#include "kernels/kernel.h"

/* Sizes of tiles, by index: F(2x2), F(4x4), F(6x6). */
enum { IC_WINOGRAD_TILES = 3, IC_WINOGRAD_TAPS = 3, IC_WINOGRAD_MOST_POINTS = 8 };

static inline unsigned ic_winograd_index(unsigned tile) {
    return tile / 2 - 1;
}

/* The points of a patch. What lies outside of the image is not read, and counts as zeros. */
typedef struct {
    uintptr_t corner;            /* of the patch: its first pixel, which may lie outside */
    size_t row_step, pixel_step; /* bytes */
    unsigned first_row, end_row; /* those that lie in the image; none of them: 0 and 0 */
    unsigned first_column, end_column;
    size_t channels;
    char *points;      /* of the first one: channels, as many as fill vectors, zeros after the last one */
    size_t point_step; /* bytes */
} ic_winograd_patch;

/* The outputs of a tile, of the channels of one panel. */
typedef struct {
    const char *sums; /* of the first point: channels, as many as fill vectors */
    size_t point_step;
    char *output;
    size_t row_step, pixel_step;
    unsigned rows, columns; /* those that the image has, from 1 on */
    size_t channels;        /* only these are written */
    float output_min, output_max;
} ic_winograd_outputs;

/* By ic_winograd_index. */
typedef struct {
    void (*patch[IC_WINOGRAD_TILES])(const ic_winograd_patch *patch);
    void (*outputs[IC_WINOGRAD_TILES])(const ic_winograd_outputs *outputs);
} ic_winograd_transforms;

extern const ic_winograd_transforms ic_scalar_winograd, ic_sse_winograd, ic_avx2_winograd, ic_avx512_winograd,
    ic_neon_winograd, ic_vfpv4_winograd;

/* With vectors of the kernel's width. */
const ic_winograd_transforms *ic_winograd_transforms_of(const ic_kernel *kernel);

/* The point of a row or column whose sum is added to every output as it is. */
enum { IC_WINOGRAD_ONE = 1 };

/* Weights of one input and one output channel, 3x3 by rows, `step` floats apart, at every point, row by row. */
void ic_winograd_weights(unsigned tile, const float *weights, size_t step, float *points);

#endif
