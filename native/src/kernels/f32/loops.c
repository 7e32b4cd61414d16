/* SPDX-License-Identifier: Apache-2.0
 * Naive's loops: the definition. */
#include "kernels/f32/f32.h"

/* Floats from one element to the next one, along channels and along the pixels of a plane. */
typedef struct {
    size_t channel, pixel;
} steps;

static steps steps_of(const ic_conv2d_desc *desc, size_t channels, size_t pixels) {
    const steps nhwc = {1, channels}, nchw = {pixels, 1};
    return desc->layout == IC_LAYOUT_NCHW ? nchw : nhwc;
}

static float one_output(const ic_conv2d_desc *desc, const ic_geometry *geometry, const float *all, const float *image,
                        steps from, size_t out_row, size_t out_column, size_t channel) {
    const size_t inputs = ic_group_inputs(desc);
    const size_t first_input = channel / ic_group_outputs(desc) * inputs;
    const size_t depth = ic_taps(desc) * inputs;
    const float *weights = all + channel * depth;
    float sum = all[desc->out_channels * depth + channel];
    for (size_t y = 0; y < desc->kernel_height; y++) {
        for (size_t x = 0; x < desc->kernel_width; x++, weights += inputs) {
            const size_t row = ic_input_row(desc, out_row, y), column = ic_input_column(desc, out_column, x);
            if (row >= geometry->input_height || column >= geometry->input_width) {
                continue;
            }
            const float *pixel =
                image + (row * geometry->input_width + column) * from.pixel + first_input * from.channel;
            for (size_t i = 0; i < inputs; i++) {
                sum += pixel[i * from.channel] * weights[i];
            }
        }
    }
    const float raised = sum <= desc->output_min ? desc->output_min : sum; /* of two zeros, the bound */
    return raised > desc->output_max ? desc->output_max : raised;
}

void ic_f32_loops(const ic_conv2d_desc *desc, const ic_geometry *geometry, const void *weights, const void *input,
                  void *output) {
    const size_t width = geometry->output_width, in_pixels = geometry->input_height * geometry->input_width;
    const size_t out_pixels = geometry->output_height * width;
    const steps in = steps_of(desc, desc->in_channels, in_pixels), out = steps_of(desc, desc->out_channels, out_pixels);
    const float *from = input;
    float *to = output;
    for (size_t image = 0; image < geometry->batch; image++) {
        for (size_t pixel = 0; pixel < out_pixels; pixel++) {
            const size_t row = pixel / width, column = pixel % width;
            for (size_t channel = 0; channel < desc->out_channels; channel++) {
                to[pixel * out.pixel + channel * out.channel] =
                    one_output(desc, geometry, weights, from, in, row, column, channel);
            }
        }
        from += in_pixels * desc->in_channels;
        to += out_pixels * desc->out_channels;
    }
}
