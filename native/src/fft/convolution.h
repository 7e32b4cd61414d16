/* SPDX-License-Identifier: Apache-2.0
 * An object that convolves by Fourier transforms of tiles. */
#ifndef IC_FFT_CONVOLUTION_H
#define IC_FFT_CONVOLUTION_H

#include "fft/plan.h"
#include "object.h"

enum { IC_ALIGNMENT_FLOATS = 16 }; /* of a cache line */

/* `base.weights` begins with bias[out_channels], then zeros[columns of the kernel], then, from a cache line on,
 * spectra: depthwise [vector of channels][frequency][2][vector]; else [frequency][part][group][panel][input channel]
 * [columns of the kernel], a panel being of the group's outputs. Behind them, where the tile is chosen by the input's
 * size, lie the weights as they are given. */
typedef struct {
    ic_conv2d base;
    const ic_fft_kernels *kernels;
    ic_fft_tables tables;
    ic_fft_plan plan; /* of the spectra; tile 0: none so far */
    bool chooses;     /* the tile, by the input's size */
    const float *zeros, *spectra, *given;
    ic_fft_cut cut;
    float *workspace; /* [threads] scratch, then the spectra of a block of tiles and of their outputs */
    size_t block;     /* tiles that pass the weights together; 0: depthwise */
} ic_fft;

static inline size_t ic_fft_up(size_t count, size_t multiple) {
    return (count + multiple - 1) / multiple * multiple;
}

/* Takes and fills the weights for a tile (0: none yet), in place of those that the object has. */
ic_status ic_fft_make_weights(ic_fft *fft, unsigned tile, const float *weights, const float *bias);

/* Floats of the spectra of one tile's input and of its output, for dense convolutions. */
static inline size_t ic_fft_row(const ic_fft *fft, size_t channels) {
    return IC_FFT_PARTS * ic_fft_up(channels, fft->kernels->width);
}

/* Floats from a frequency of a block to the next one: they must not meet in one set of the cache. */
static inline size_t ic_fft_frequency_step(const ic_fft *fft, size_t channels) {
    return fft->block * ic_fft_row(fft, channels) + IC_ALIGNMENT_FLOATS;
}

void ic_fft_run_all(const ic_fft *fft, const float *input, float *output);

#endif
