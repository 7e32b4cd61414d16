/* SPDX-License-Identifier: Apache-2.0
 * Convolutions of stride 1 by Fourier transforms of tiles (overlap-save), for large kernels. */
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/type.h"
#include "fft/convolution.h"
#include "methods/method.h"

#include <math.h>
#include <string.h>

static bool covers(const ic_conv2d *conv) {
    const ic_conv2d_desc *desc = &conv->desc;
    const unsigned most = conv->schedule.tile != 0 ? conv->schedule.tile : IC_FFT_MOST_TILE;
    return conv->chooser.asked == IC_ALGORITHM_FFT && desc->type == IC_TYPE_F32 && desc->stride_height == 1 &&
           desc->stride_width == 1 && ic_fft_extent(desc) <= most;
}

static ic_status pack(ic_conv2d *conv, const void *weights, const void *bias) {
    ic_fft *fft = (ic_fft *)conv;
    fft->kernels = ic_fft_kernels_of(conv->schedule.kernel);
    fft->chooses = conv->schedule.tile == 0;
    return ic_fft_make_weights(fft, conv->schedule.tile, weights, bias);
}

/* Tiles of which spectra and products fill half of the L2 cache; but so many that the weights, which every block reads
 * once more, are no more work than what they are multiplied by. */
static size_t block_of(const ic_fft *fft, size_t tiles) {
    const ic_conv2d_desc *desc = &fft->base.desc;
    const size_t least = 64;
    const double row = (double)ic_fft_row(fft, desc->in_channels) + (double)ic_fft_row(fft, desc->out_channels);
    const double tile = (double)ic_fft_frequencies(fft->plan.tile) * row * sizeof(float); /* its bytes */
    const size_t fit = (size_t)((double)fft->base.chooser.core.l2 / 2 / tile), block = fit < least ? least : fit;
    const size_t blocks = tiles / block + (tiles % block != 0);
    return tiles / blocks + (tiles % blocks != 0);
}

static bool count_workspace(const ic_fft *fft, size_t *bytes) {
    const ic_conv2d_desc *desc = &fft->base.desc;
    size_t scratch = ic_pool_threads(fft->base.pool) * ic_fft_scratch(fft->plan.tile, fft->kernels->width);
    *bytes = 0;
    if (fft->block != 0) {
        size_t all = desc->in_channels;
        if (!ic_add(&all, desc->out_channels) || !ic_add(&all, (size_t)2 * fft->kernels->width) ||
            !ic_multiply(&all, IC_FFT_PARTS) || !ic_multiply(&all, fft->block) ||
            !ic_add(&all, (size_t)2 * IC_ALIGNMENT_FLOATS) ||
            !ic_multiply(&all, ic_fft_frequencies(fft->plan.tile) * sizeof(float))) {
            return false;
        }
        *bytes = ic_fft_frequencies(fft->plan.tile) * sizeof(float) *
                 (ic_fft_frequency_step(fft, desc->in_channels) + ic_fft_frequency_step(fft, desc->out_channels));
    }
    return ic_multiply(&scratch, sizeof(float)) && ic_add(bytes, scratch) && ic_is_array_size(*bytes);
}

static ic_status shape(ic_conv2d *conv) {
    ic_fft *fft = (ic_fft *)conv;
    const ic_geometry *geometry = &conv->geometry;
    if (fft->chooses) {
        const unsigned tile = ic_fft_choose_tile(&conv->desc, geometry);
        if (tile != fft->plan.tile) {
            const ic_status status = ic_fft_make_weights(fft, tile, fft->given, conv->weights);
            if (status != IC_OK) {
                return status;
            }
        }
        conv->schedule.tile = tile;
    }
    fft->cut = ic_fft_cut_of(&conv->desc, geometry, fft->plan.tile);
    /* no more than there are outputs */
    const size_t tiles = geometry->batch * fft->cut.down.tiles * fft->cut.across.tiles;
    fft->block = ic_is_depthwise(&conv->desc) ? 0 : block_of(fft, tiles);
    size_t bytes;
    if (!count_workspace(fft, &bytes)) {
        return ic_fail(IC_OVERFLOW, "batch, height and width: the spectra of %zu tiles are no array", fft->block);
    }
    fft->workspace = ic_take(conv, bytes, IC_MEMORY_MATRIX);
    if (fft->workspace == NULL) {
        return ic_fail_memory("the spectra", bytes);
    }
    memset(fft->workspace, 0, bytes); /* channels that fill up the last vector are read, never written */
    return IC_OK;
}

static void run(const ic_conv2d *conv, const void *input, void *output) {
    ic_fft_run_all((const ic_fft *)conv, input, output);
}

static void release(ic_conv2d *conv) {
    ic_fft *fft = (ic_fft *)conv;
    ic_give_back(conv, fft->workspace, IC_MEMORY_MATRIX);
    fft->workspace = NULL;
}

/* Norms over a tile, of T x T numbers, u = 2^-24. A pass of radix r is off by 8 u log2(r) at most, as a share of the
 * norm: the radix-2 step by sqrt(2) u, the product by a twiddle by 2 sqrt(2) u, the twiddle itself by u; longer radices
 * by less for each doubling. Rows and columns are 2 log2(T) doublings, and two more tell apart what was transformed as
 * one: e = 8 u (2 log2(T) + 2). An output is a sum over frequencies of |input's| |weights'| spectrum, which by Cauchy
 * and Schwarz and by Parseval is no more than the product of their norms; transforming input, weights and products adds
 * a share e each, the three real products of a complex one and their sum over K input channels 4 (K + 4) u. A tile's
 * norm is T times its largest number at most. */
static double error_bound(const ic_conv2d *conv) {
    const double u = ic_type_of(conv->desc.type)->roundoff, tile = conv->schedule.tile;
    const double transform = 8 * u * (2 * log2(tile) + 2);
    const double products = 4 * u * ((double)ic_group_inputs(&conv->desc) + 4);
    const double share = tile * (3 * transform + products);
    return share / (1 - share);
}

const ic_method ic_method_fft = {"fft",   sizeof(ic_fft), covers,           pack, shape, run,
                                 release, error_bound,    IC_BOUND_OF_NORMS};
