/* SPDX-License-Identifier: Apache-2.0
 * The loops around the micro-kernel: images, groups, panels of output channels, tiles. The panel is outside the tiles,
 * so that its weights stay in the cache while all pixels pass. */
#include "conv.h"
#include "tiling.h"

/* All panels of one group. `run` holds the input, offsets, taps and channels of the first tile; the steps are per row
 * of a tile. */
static void run_panels(const ic_conv2d *conv, ic_tile_run run, size_t pixels, size_t group, float *output,
                       size_t input_row_step, size_t offset_row_step) {
    const size_t outputs = ic_group_outputs(&conv->desc), columns = conv->kernel->columns;
    const size_t panel_floats = ic_panel_floats(conv);
    const size_t panels = outputs / columns + (outputs % columns != 0);
    const ic_tiling tiling = ic_make_tiling(pixels, conv->kernel->rows);
    const size_t tall_pixels = tiling.tall * tiling.tall_rows;
    const int64_t *offsets = run.offsets;
    const float *input = run.input;

    run.padding = conv->padding;
    run.weights = conv->weights + group * panels * panel_floats;
    run.output_stride = conv->desc.out_channels;
    run.output_min = conv->desc.output_min;
    run.output_max = conv->desc.output_max;
    output += group * outputs;
    for (size_t first = 0; first < outputs; first += columns) {
        run.columns = (unsigned)(outputs - first < columns ? outputs - first : columns);
        if (tiling.tall != 0) {
            run.tiles = tiling.tall;
            run.rows = tiling.tall_rows;
            run.input = input;
            run.input_step = run.rows * input_row_step;
            run.offsets = offsets;
            run.offset_step = run.rows * offset_row_step;
            run.output = output + first;
            conv->kernel->run(&run);
        }
        run.tiles = tiling.low;
        run.rows = tiling.low_rows;
        run.input = (const float *)(const void *)((const char *)input + tall_pixels * input_row_step);
        run.input_step = run.rows * input_row_step;
        run.offsets = offsets + tall_pixels * offset_row_step;
        run.offset_step = run.rows * offset_row_step;
        run.output = output + tall_pixels * run.output_stride + first;
        conv->kernel->run(&run);
        run.weights += panel_floats;
    }
}

/* A matrix of [pixels][depth]: one tap that holds all of K. */
static void run_matrix(const ic_conv2d *conv, const float *matrix, size_t pixels, size_t depth, size_t group,
                       float *output) {
    int64_t offsets[IC_MAX_ROWS];
    ic_tile_run run = {0};
    for (size_t r = 0; r < IC_MAX_ROWS; r++) {
        offsets[r] = (int64_t)(r * depth * sizeof(float));
    }
    run.input = matrix;
    run.offsets = offsets;
    run.taps = 1;
    run.channels = depth;
    run_panels(conv, run, pixels, group, output, depth * sizeof(float), 0);
}

void ic_run_in_place(const ic_conv2d *conv, const float *input, float *output) {
    const ic_geometry *geometry = &conv->geometry;
    const size_t pixels = geometry->batch * geometry->output_height * geometry->output_width;
    run_matrix(conv, input, pixels, conv->desc.in_channels, 0, output);
}

void ic_run_im2col(const ic_conv2d *conv, const float *input, float *output) {
    const ic_geometry *geometry = &conv->geometry;
    const size_t pixels = geometry->output_height * geometry->output_width;
    const size_t inputs = ic_group_inputs(&conv->desc);
    const size_t depth = ic_taps(&conv->desc) * inputs;
    for (size_t image = 0; image < geometry->batch; image++) {
        for (size_t group = 0; group < conv->desc.groups; group++) {
            ic_fill_matrix(conv, input + group * inputs);
            run_matrix(conv, conv->matrix, pixels, depth, group, output);
        }
        input += geometry->input_height * geometry->input_width * conv->desc.in_channels;
        output += pixels * conv->desc.out_channels;
    }
}

void ic_run_indirect(const ic_conv2d *conv, const float *input, float *output) {
    const ic_geometry *geometry = &conv->geometry;
    const size_t pixels = geometry->output_height * geometry->output_width;
    const size_t inputs = ic_group_inputs(&conv->desc);
    ic_tile_run run = {0};
    run.offsets = conv->offsets;
    run.taps = ic_taps(&conv->desc);
    run.channels = inputs;
    for (size_t image = 0; image < geometry->batch; image++) {
        for (size_t group = 0; group < conv->desc.groups; group++) {
            run.input = input + group * inputs;
            run_panels(conv, run, pixels, group, output, 0, run.taps);
        }
        input += geometry->input_height * geometry->input_width * conv->desc.in_channels;
        output += pixels * conv->desc.out_channels;
    }
}
