/* SPDX-License-Identifier: Apache-2.0
 * Naive's loops: the definition. */
#include "kernels/f32/f32.h"

static float one_output(const ic_conv2d_desc *desc, const ic_geometry *geometry, const float *all, const float *image,
                        size_t out_row, size_t out_column, size_t channel) {
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
            const float *pixel = image + (row * geometry->input_width + column) * desc->in_channels + first_input;
            for (size_t i = 0; i < inputs; i++) {
                sum += pixel[i] * weights[i];
            }
        }
    }
    const float raised = sum <= desc->output_min ? desc->output_min : sum; /* of two zeros, the bound */
    return raised > desc->output_max ? desc->output_max : raised;
}

void ic_f32_loops(const ic_conv2d_desc *desc, const ic_geometry *geometry, const void *weights, const void *input,
                  void *output) {
    const size_t image_floats = geometry->input_height * geometry->input_width * desc->in_channels;
    const float *from = input;
    float *to = output;
    for (size_t image = 0; image < geometry->batch; image++, from += image_floats) {
        for (size_t row = 0; row < geometry->output_height; row++) {
            for (size_t column = 0; column < geometry->output_width; column++) {
                for (size_t channel = 0; channel < desc->out_channels; channel++) {
                    *to++ = one_output(desc, geometry, weights, from, row, column, channel);
                }
            }
        }
    }
}
