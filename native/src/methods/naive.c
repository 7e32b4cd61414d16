/* SPDX-License-Identifier: Apache-2.0
 * The definition: seven loops, nothing clever. The weights are the caller's, then the bias. */
#include "core/error.h"
#include "core/memory.h"
#include "methods/method.h"

#include <string.h>

static bool covers(const ic_conv2d *conv) {
    return conv->chooser.asked == IC_ALGORITHM_NAIVE;
}

static ic_status pack(ic_conv2d *conv, const void *weights, const void *bias) {
    const ic_conv2d_desc *desc = &conv->desc;
    const size_t count = desc->out_channels * ic_taps(desc) * ic_group_inputs(desc);
    size_t bytes = count;
    if (!ic_add(&bytes, desc->out_channels) || !ic_multiply(&bytes, sizeof(float)) || !ic_is_array_size(bytes)) {
        return ic_fail(IC_OVERFLOW, "desc: weights and bias are no array");
    }
    float *packed = ic_take(conv, bytes, IC_MEMORY_WEIGHTS);
    if (packed == NULL) {
        return ic_fail_memory("the weights", bytes);
    }
    memcpy(packed, weights, count * sizeof(float));
    if (bias != NULL) {
        memcpy(packed + count, bias, desc->out_channels * sizeof(float));
    } else {
        memset(packed + count, 0, desc->out_channels * sizeof(float));
    }
    conv->weights = packed;
    return IC_OK;
}

static ic_status shape(ic_conv2d *conv) {
    (void)conv;
    return IC_OK;
}

static void release(ic_conv2d *conv) {
    (void)conv;
}

static float one_output(const ic_conv2d *conv, const float *image, size_t out_row, size_t out_column, size_t channel) {
    const ic_conv2d_desc *desc = &conv->desc;
    const ic_geometry *geometry = &conv->geometry;
    const size_t inputs = ic_group_inputs(desc);
    const size_t first_input = channel / ic_group_outputs(desc) * inputs;
    const size_t depth = ic_taps(desc) * inputs;
    const float *all = conv->weights, *weights = all + channel * depth;
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
    const float raised = sum < desc->output_min ? desc->output_min : sum;
    return raised > desc->output_max ? desc->output_max : raised;
}

static void run(const ic_conv2d *conv, const void *input, void *output) {
    const ic_geometry *geometry = &conv->geometry;
    const size_t image_floats = geometry->input_height * geometry->input_width * conv->desc.in_channels;
    const float *from = input;
    float *to = output;
    for (size_t image = 0; image < geometry->batch; image++) {
        for (size_t row = 0; row < geometry->output_height; row++) {
            for (size_t column = 0; column < geometry->output_width; column++) {
                for (size_t channel = 0; channel < conv->desc.out_channels; channel++) {
                    *to++ = one_output(conv, from + image * image_floats, row, column, channel);
                }
            }
        }
    }
}

const ic_method ic_method_naive = {"naive", sizeof(ic_conv2d), covers, pack, shape, run, release, ic_bound_of_sums};
