/* SPDX-License-Identifier: Apache-2.0
 * The loops around the transforms.
 *
 * Depthwise, a tile of one vector of channels is transformed, multiplied and transformed back at once, in the memory of
 * one thread. Else the tiles of a block are transformed, all their channels; then for each frequency a matrix [tile]
 * [input channel] is multiplied by the weights' [input channel][output channel], by the micro-kernel; then the products
 * are transformed back. A complex product is three real ones: (Ar + Ai) Br, Ar (Bi - Br), Ai (Br + Bi). */
#include "core/pool.h"
#include "fft/convolution.h"
#include "tiles/tiling.h"

#include <math.h>
#include <stdatomic.h>

typedef struct {
    const ic_fft *fft;
    const float *input;
    float *output;
    size_t first, tiles;       /* of the block */
    float *spectra, *products; /* dense */
    size_t items;
    atomic_size_t taken;
} job;

/* Outputs of a tile along one axis, and the input that they read. */
typedef struct {
    size_t output, outputs;
    size_t input, inputs; /* no input: all in the padding */
    unsigned place;       /* of the first input */
} stretch;

static stretch stretch_of(const ic_fft_axis *axis, size_t index, size_t input, size_t output, size_t extent,
                          size_t before) {
    stretch s = {.output = index * axis->step};
    s.outputs = output - s.output < axis->step ? output - s.output : axis->step;
    const size_t end = s.output + s.outputs + extent - 1; /* counted from the padding's start */
    const size_t from = s.output > before ? s.output : before;
    const size_t to = end < input + before ? end : input + before;
    if (from < to) {
        s.input = from - before;
        s.inputs = to - from;
        s.place = (unsigned)(from - s.output);
    }
    return s;
}

/* Tile number `index` of all images, at the first channel. */
static ic_fft_run run_of(const job *j, size_t index, unsigned thread) {
    const ic_fft *fft = j->fft;
    const ic_conv2d_desc *desc = &fft->base.desc;
    const ic_geometry *g = &fft->base.geometry;
    const size_t across = index % fft->cut.across.tiles, down = index / fft->cut.across.tiles % fft->cut.down.tiles;
    const size_t image = index / fft->cut.across.tiles / fft->cut.down.tiles;
    const size_t height = (desc->kernel_height - 1u) * (size_t)desc->dilation_height + 1;
    const size_t width = (desc->kernel_width - 1u) * (size_t)desc->dilation_width + 1;
    const stretch y = stretch_of(&fft->cut.down, down, g->input_height, g->output_height, height, desc->pad_top);
    const stretch x = stretch_of(&fft->cut.across, across, g->input_width, g->output_width, width, desc->pad_left);
    const bool is_inside = y.inputs != 0 && x.inputs != 0;
    const size_t from = (image * g->input_height + y.input) * g->input_width + x.input;
    const size_t to = (image * g->output_height + y.output) * g->output_width + x.output;
    return (ic_fft_run){
        .plan = &fft->plan,
        .scratch = fft->workspace + thread * ic_fft_scratch(fft->plan.tile, fft->kernels->width),
        .input = is_inside ? j->input + from * desc->in_channels : j->input,
        .input_row = g->input_width * desc->in_channels,
        .input_pixel = desc->in_channels,
        .input_rows = is_inside ? (unsigned)y.inputs : 0,
        .input_columns = is_inside ? (unsigned)x.inputs : 0,
        .first_row = y.place,
        .first_column = x.place,
        .output = j->output + to * desc->out_channels,
        .output_row = g->output_width * desc->out_channels,
        .output_pixel = desc->out_channels,
        .output_rows = (unsigned)y.outputs,
        .output_columns = (unsigned)x.outputs,
        .output_min = desc->output_min,
        .output_max = desc->output_max,
    };
}

static bool take(job *j, size_t *item) {
    *item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
    return *item < j->items;
}

static unsigned channels_from(size_t channels, size_t first, unsigned width) {
    return channels - first < width ? (unsigned)(channels - first) : width;
}

/* The tiles of one vector follow one another: its weights stay in the cache. */
static void work_depthwise(void *context, unsigned thread) {
    job *j = context;
    const ic_fft *fft = j->fft;
    const unsigned width = fft->kernels->width;
    for (size_t item; take(j, &item);) {
        const size_t first = item / j->tiles * width;
        ic_fft_run run = run_of(j, item % j->tiles, thread);
        run.input += first;
        run.output += first;
        run.weights = fft->spectra + first * ic_fft_frequencies(fft->plan.tile) * 2;
        run.bias = (const float *)fft->base.weights + first;
        run.channels = channels_from(fft->base.desc.out_channels, first, width);
        fft->kernels->depthwise(&run);
    }
}

/* A vector of a tile's channels, whose spectra lie among those of all tiles at `spectra`. */
static ic_fft_run run_of_vector(const job *j, size_t item, unsigned thread, size_t channels, float *spectra,
                                size_t *first) {
    const ic_fft *fft = j->fft;
    const size_t tile = item % j->tiles, row = ic_fft_row(fft, channels);
    *first = item / j->tiles * fft->kernels->width;
    ic_fft_run run = run_of(j, j->first + tile, thread);
    run.channels = channels_from(channels, *first, fft->kernels->width);
    run.spectrum = spectra + tile * row + *first;
    run.frequency_step = ic_fft_frequency_step(fft, channels);
    run.part_step = row / IC_FFT_PARTS;
    return run;
}

static void work_forward(void *context, unsigned thread) {
    job *j = context;
    const ic_fft *fft = j->fft;
    for (size_t item, first; take(j, &item);) {
        ic_fft_run run = run_of_vector(j, item, thread, fft->base.desc.in_channels, j->spectra, &first);
        run.input += first;
        fft->kernels->forward(&run);
    }
}

static void work_inverse(void *context, unsigned thread) {
    job *j = context;
    const ic_fft *fft = j->fft;
    for (size_t item, first; take(j, &item);) {
        ic_fft_run run = run_of_vector(j, item, thread, fft->base.desc.out_channels, j->products, &first);
        run.output += first;
        run.bias = (const float *)fft->base.weights + first;
        fft->kernels->inverse(&run);
    }
}

/* One panel of outputs, for all tiles of the block, of one frequency and part. */
static void multiply(const job *j, ic_tile_run *run, const float *input, float *output, size_t input_row,
                     size_t output_row) {
    const ic_fft *fft = j->fft;
    const ic_tiling tiling = ic_make_tiling(j->tiles, fft->base.schedule.kernel->rows);
    for (unsigned low = 0; low < 2; low++) {
        run->tiles = low ? tiling.low : tiling.tall;
        run->rows = low ? tiling.low_rows : tiling.tall_rows;
        run->input = input;
        run->output = output;
        run->input_step = run->rows * input_row * sizeof(float);
        run->output_step = run->rows * output_row * sizeof(float);
        if (run->tiles != 0) {
            fft->base.schedule.kernel->run(run);
        }
        input += run->tiles * run->rows * input_row;
        output += run->tiles * run->rows * output_row;
    }
}

static void work_multiply(void *context, unsigned thread) {
    job *j = context;
    const ic_fft *fft = j->fft;
    const ic_conv2d_desc *desc = &fft->base.desc;
    const size_t inputs = ic_group_inputs(desc), outputs = ic_group_outputs(desc);
    const size_t columns = fft->base.schedule.kernel->columns, panels = outputs / columns + (outputs % columns != 0);
    const size_t input_row = ic_fft_row(fft, desc->in_channels), output_row = ic_fft_row(fft, desc->out_channels);
    ptrdiff_t input_offsets[IC_MAX_ROWS], output_offsets[IC_MAX_ROWS];
    (void)thread;
    for (size_t r = 0; r < IC_MAX_ROWS; r++) {
        input_offsets[r] = (ptrdiff_t)(r * input_row * sizeof(float));
        output_offsets[r] = (ptrdiff_t)(r * output_row * sizeof(float));
    }
    ic_tile_run run = {.offsets = input_offsets,
                       .output_offsets = output_offsets,
                       .bias = fft->zeros,
                       .taps = 1,
                       .channels = inputs,
                       .output_min = -INFINITY,
                       .output_max = INFINITY};
    for (size_t f; take(j, &f);) {
        const float *weights = fft->spectra + f * IC_FFT_PARTS * desc->groups * panels * inputs * columns;
        const float *from = j->spectra + f * ic_fft_frequency_step(fft, desc->in_channels);
        float *to = j->products + f * ic_fft_frequency_step(fft, desc->out_channels);
        for (size_t part = 0; part < IC_FFT_PARTS; part++) {
            for (size_t group = 0; group < desc->groups; group++) {
                for (size_t first = 0; first < outputs; first += columns, weights += inputs * columns) {
                    run.weights = weights;
                    run.columns = channels_from(outputs, first, (unsigned)columns);
                    multiply(j, &run, from + part * (input_row / IC_FFT_PARTS) + group * inputs,
                             to + part * (output_row / IC_FFT_PARTS) + group * outputs + first, input_row, output_row);
                }
            }
        }
    }
}

static void run_items(job *j, size_t items, void (*work)(void *context, unsigned thread)) {
    j->items = items;
    atomic_store_explicit(&j->taken, 0, memory_order_relaxed);
    ic_pool_run(j->fft->base.pool, work, j);
}

static size_t vectors_of(const ic_fft *fft, size_t channels) {
    return ic_fft_up(channels, fft->kernels->width) / fft->kernels->width;
}

void ic_fft_run_all(const ic_fft *fft, const float *input, float *output) {
    const ic_conv2d_desc *desc = &fft->base.desc;
    const size_t tiles = fft->base.geometry.batch * fft->cut.down.tiles * fft->cut.across.tiles;
    const size_t frequencies = ic_fft_frequencies(fft->plan.tile);
    job j = {.fft = fft, .input = input, .output = output, .tiles = tiles};
    if (fft->block == 0) {
        run_items(&j, vectors_of(fft, desc->out_channels) * tiles, work_depthwise);
        return;
    }
    j.spectra = fft->workspace + ic_pool_threads(fft->base.pool) * ic_fft_scratch(fft->plan.tile, fft->kernels->width);
    j.products = j.spectra + frequencies * ic_fft_frequency_step(fft, desc->in_channels);
    for (j.first = 0; j.first < tiles; j.first += j.tiles) {
        j.tiles = tiles - j.first < fft->block ? tiles - j.first : fft->block;
        run_items(&j, vectors_of(fft, desc->in_channels) * j.tiles, work_forward);
        run_items(&j, frequencies, work_multiply);
        run_items(&j, vectors_of(fft, desc->out_channels) * j.tiles, work_inverse);
    }
}
