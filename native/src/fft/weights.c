/* SPDX-License-Identifier: Apache-2.0
 * Spectra of weights. */
#include "core/error.h"
#include "core/memory.h"
#include "fft/convolution.h"

#include <math.h>
#include <string.h>

/* Outputs that are transformed together as if they were one group's: all of a depthwise convolution. */
typedef struct {
    size_t groups, outputs, inputs, panels; /* of a group all but the first */
    bool is_depthwise;
} arrangement;

static arrangement arrangement_of(const ic_fft *fft) {
    const ic_conv2d_desc *desc = &fft->base.desc;
    const size_t columns = fft->base.schedule.kernel->columns;
    arrangement a = {desc->groups, ic_group_outputs(desc), ic_group_inputs(desc), 0, ic_is_depthwise(desc)};
    if (a.is_depthwise) {
        a.groups = 1;
        a.outputs = desc->out_channels;
    }
    a.panels = a.outputs / columns + (a.outputs % columns != 0);
    return a;
}

/* Floats of the spectra; false on overflow. */
static bool count_spectra(const ic_fft *fft, unsigned tile, size_t *count) {
    const arrangement a = arrangement_of(fft);
    *count = ic_fft_frequencies(tile);
    if (a.is_depthwise) {
        return ic_multiply(count, 2) && ic_multiply(count, ic_fft_up(a.outputs, fft->kernels->width));
    }
    return ic_multiply(count, IC_FFT_PARTS) && ic_multiply(count, a.groups) && ic_multiply(count, a.panels) &&
           ic_multiply(count, a.inputs) && ic_multiply(count, fft->base.schedule.kernel->columns);
}

/* Memory for one vector of kernels: as pixels, and their spectrum. */
typedef struct {
    size_t height, width;
    float *scratch, *taps, *spectrum;
} bench;

/* Weights of `count` neighbouring outputs for one of their inputs, as an image of zeros around the taps. */
static void lay_taps(const ic_fft *fft, const arrangement *a, const float *weights, size_t output, size_t input,
                     size_t count, const bench *b) {
    const ic_conv2d_desc *desc = &fft->base.desc;
    const size_t lanes = fft->kernels->width, taps = ic_taps(desc);
    for (size_t y = 0; y < desc->kernel_height; y++) {
        for (size_t x = 0; x < desc->kernel_width; x++) {
            float *to = b->taps + (y * desc->dilation_height * b->width + x * desc->dilation_width) * lanes;
            const float *from = weights + (output * taps + y * desc->kernel_width + x) * a->inputs + input;
            for (size_t lane = 0; lane < lanes; lane++) {
                to[lane] = lane < count ? from[lane * taps * a->inputs] : 0;
            }
        }
    }
}

/* Real and imaginary part of a frequency, conjugated: a convolution neither turns nor shifts its kernel. */
static void put_depthwise(const ic_fft *fft, const float *spectrum, float scale, float *to) {
    const size_t lanes = fft->kernels->width, frequencies = ic_fft_frequencies(fft->plan.tile);
    for (size_t f = 0; f < frequencies; f++, spectrum += IC_FFT_PARTS * lanes, to += 2 * lanes) {
        for (size_t lane = 0; lane < lanes; lane++) {
            to[lane] = spectrum[lanes + lane] * scale;
            to[lanes + lane] = -spectrum[2 * lanes + lane] * scale;
        }
    }
}

/* What is multiplied by the sum of the input's parts, by its real part and by its imaginary part. */
static void put_dense(const ic_fft *fft, const float *spectrum, float scale, size_t part_step, float *to) {
    const size_t lanes = fft->kernels->width, frequencies = ic_fft_frequencies(fft->plan.tile);
    for (size_t f = 0; f < frequencies; f++, spectrum += IC_FFT_PARTS * lanes, to += IC_FFT_PARTS * part_step) {
        for (size_t lane = 0; lane < lanes; lane++) {
            const float re = spectrum[lanes + lane] * scale, im = -spectrum[2 * lanes + lane] * scale;
            to[lane] = re;
            to[part_step + lane] = im - re;
            to[2 * part_step + lane] = re + im;
        }
    }
}

static void transform_all(const ic_fft *fft, const float *weights, const bench *b, float *spectra) {
    const arrangement a = arrangement_of(fft);
    const size_t lanes = fft->kernels->width, columns = fft->base.schedule.kernel->columns;
    const size_t frequencies = ic_fft_frequencies(fft->plan.tile);
    const size_t panel = a.inputs * columns, part_step = a.groups * a.panels * panel;
    const float scale = (float)(1.0 / (4.0 * fft->plan.tile * fft->plan.tile));
    const ic_fft_run run = {.plan = &fft->plan,
                            .scratch = b->scratch,
                            .input = b->taps,
                            .input_row = b->width * lanes,
                            .input_pixel = lanes,
                            .input_rows = (unsigned)b->height,
                            .input_columns = (unsigned)b->width,
                            .spectrum = b->spectrum,
                            .frequency_step = IC_FFT_PARTS * lanes,
                            .part_step = lanes,
                            .channels = (unsigned)lanes};
    for (size_t group = 0; group < a.groups; group++) {
        for (size_t first = 0; first < a.outputs; first += lanes) {
            const size_t count = a.outputs - first < lanes ? a.outputs - first : lanes;
            for (size_t input = 0; input < a.inputs; input++) {
                lay_taps(fft, &a, weights, group * a.outputs + first, input, count, b);
                fft->kernels->forward(&run);
                if (a.is_depthwise) {
                    put_depthwise(fft, b->spectrum, scale, spectra + first * frequencies * 2);
                } else {
                    const size_t at = (group * a.panels + first / columns) * panel + input * columns + first % columns;
                    put_dense(fft, b->spectrum, scale, part_step, spectra + at);
                }
            }
        }
    }
}

static ic_status fill_spectra(ic_fft *fft, const float *weights, float *spectra) {
    const ic_conv2d_desc *desc = &fft->base.desc;
    const size_t lanes = fft->kernels->width;
    const unsigned tile = fft->plan.tile;
    bench b = {.height = (desc->kernel_height - 1u) * (size_t)desc->dilation_height + 1,
               .width = (desc->kernel_width - 1u) * (size_t)desc->dilation_width + 1};
    const size_t scratch = ic_fft_scratch(tile, (unsigned)lanes), taps = b.height * b.width * lanes;
    const size_t bytes = (scratch + taps + ic_fft_frequencies(tile) * IC_FFT_PARTS * lanes) * sizeof(float);
    b.scratch = ic_take(&fft->base, bytes, IC_MEMORY_MATRIX);
    if (b.scratch == NULL) {
        return ic_fail_memory("the transform of the weights", bytes);
    }
    b.taps = b.scratch + scratch;
    b.spectrum = b.taps + taps;
    memset(b.taps, 0, taps * sizeof(float));
    transform_all(fft, weights, &b, spectra);
    ic_give_back(&fft->base, b.scratch, IC_MEMORY_MATRIX);
    return IC_OK;
}

ic_status ic_fft_make_weights(ic_fft *fft, unsigned tile, const float *weights, const float *bias) {
    ic_conv2d *conv = &fft->base;
    const ic_conv2d_desc *desc = &conv->desc;
    const size_t given = fft->chooses ? desc->out_channels * ic_taps(desc) * ic_group_inputs(desc) : 0;
    const size_t columns = conv->schedule.kernel->columns;
    size_t head = desc->out_channels, spectra = 0;
    bool fits = ic_add(&head, columns + IC_ALIGNMENT_FLOATS) && head <= SIZE_MAX - IC_ALIGNMENT_FLOATS;
    head = fits ? ic_fft_up(head, IC_ALIGNMENT_FLOATS) : 0;
    fits = fits && (tile == 0 || count_spectra(fft, tile, &spectra));
    size_t bytes = spectra;
    fits = fits && ic_add(&bytes, head) && ic_add(&bytes, given) && ic_multiply(&bytes, sizeof(float));
    if (!fits || !ic_is_array_size(bytes)) {
        return ic_fail(IC_OVERFLOW, "desc: the spectra of the weights are no array");
    }
    const size_t old_bytes = conv->bytes[IC_MEMORY_WEIGHTS];
    float *made = ic_take(conv, bytes, IC_MEMORY_WEIGHTS);
    if (made == NULL) {
        return ic_fail_memory("the spectra of the weights", bytes);
    }
    memset(made, 0, head * sizeof(float));
    if (bias != NULL) {
        memcpy(made, bias, desc->out_channels * sizeof(float));
    }
    memcpy(made + head + spectra, weights, given * sizeof(float));
    if (tile != 0) {
        ic_fft_make_plan(tile, &fft->tables, &fft->plan);
        memset(made + head, 0, spectra * sizeof(float));
        const ic_status status = fill_spectra(fft, weights, made + head);
        if (status != IC_OK) {
            conv->allocator.release(conv->allocator.context, made, bytes, IC_MEMORY_WEIGHTS);
            conv->bytes[IC_MEMORY_WEIGHTS] = old_bytes;
            fft->plan.tile = 0; /* the tables are no longer those of the spectra */
            return status;
        }
    }
    if (conv->weights != NULL) {
        conv->allocator.release(conv->allocator.context, conv->weights, old_bytes, IC_MEMORY_WEIGHTS);
    }
    conv->weights = made;
    fft->zeros = made + desc->out_channels;
    fft->spectra = made + head;
    fft->given = made + head + spectra;
    return IC_OK;
}
