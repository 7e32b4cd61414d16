/* SPDX-License-Identifier: Apache-2.0
 * What the transforms of an instruction set are: functions without state, allocation or threads that transform a tile
 * of `tile` x `tile` pixels, one vector of channels at a time.
 *
 * Rows come first, as half as many complex numbers (an even and an odd pixel each), from which the spectrum of real
 * numbers is taken; then columns. Column 0 holds frequencies 0 (real part) and tile / 2 (imaginary part) of the rows,
 * each the spectrum of real numbers, so that they are told apart after the transform. What is left are
 * ic_fft_frequencies(tile) complex numbers: those of columns 1 to tile / 2 - 1, `tile` each, in the order in which the
 * passes leave them, then of frequencies 0 to tile / 2 of column 0 the one spectrum's and the other's in turn.
 *
 * Nothing is divided: forward gives twice the transform, and the inverse of a product of two of them is 4 tile^2 times
 * the convolution. */
#ifndef IC_FFT_H
#define IC_FFT_H

#include "kernels/kernel.h"

enum { IC_FFT_MOST_TILE = 96, IC_FFT_MOST_PASSES = 3, IC_FFT_PARTS = 3 };

/* Passes of one transform: of all `points`, then of as many parts as the first radix, and so on. */
typedef struct {
    unsigned points, count;
    unsigned char radix[IC_FFT_MOST_PASSES];
    const float *twiddles;      /* of each pass [points of it / radix - 1][radix - 1][2]: cosine, sine */
    const unsigned char *place; /* [points]: where the passes leave a frequency */
} ic_fft_passes;

typedef struct {
    unsigned tile;
    ic_fft_passes rows, columns; /* of tile / 2 and of tile complex numbers */
    const float *turns;          /* [tile / 4][2]: the tile-th roots of one, from the first power on */
} ic_fft_plan;

static inline size_t ic_fft_frequencies(unsigned tile) {
    return (size_t)tile * (tile / 2 - 1) + 2 * (tile / 2 + 1);
}

/* Floats from one row of a tile that is being transformed to the next: rows must not meet in one set of the cache. */
static inline size_t ic_fft_pitch(unsigned tile, unsigned width) {
    return ((size_t)tile + 1) * width;
}

/* Floats of a thread's scratch memory: the tile, a row or column. */
static inline size_t ic_fft_scratch(unsigned tile, unsigned width) {
    return tile * ic_fft_pitch(tile, width) + (size_t)2 * tile * width;
}

/* Steps are in floats. */
typedef struct {
    const ic_fft_plan *plan;
    float *scratch;
    const float *input; /* the pixels of the tile that are not zeros: the first one, */
    size_t input_row, input_pixel;
    unsigned input_rows, input_columns, first_row, first_column; /* and where it lies in the tile */
    const float *weights; /* depthwise: their spectrum, divided and conjugated: [frequency][2][vector] */
    float *spectrum;      /* forward, inverse: of frequency 0 the first part; whole vectors */
    size_t frequency_step, part_step;
    const float *bias;
    float *output; /* the tile's first pixel */
    size_t output_row, output_pixel;
    unsigned output_rows, output_columns;
    unsigned channels; /* 1 to a vector's */
    float output_min, output_max;
} ic_fft_run;

typedef struct {
    const char *isa;
    unsigned width; /* floats of a vector */
    void (*forward)(
        const ic_fft_run *run); /* to the spectrum: the sum of real and imaginary part, the one, the other */
    void (*inverse)(const ic_fft_run *run);   /* of the three real products of a complex one by Gauss */
    void (*depthwise)(const ic_fft_run *run); /* forward, product by the weights, inverse */
} ic_fft_kernels;

/* Of a kernel's instruction set. */
const ic_fft_kernels *ic_fft_kernels_of(const ic_kernel *kernel);

#endif
