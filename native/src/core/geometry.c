/* SPDX-License-Identifier: Apache-2.0 */
#include "core/geometry.h"
#include "core/memory.h"

#include <math.h>

static void fill_defaults(ic_conv2d_desc *desc) {
    uint32_t *const ones[] = {&desc->stride_height, &desc->stride_width, &desc->dilation_height, &desc->dilation_width,
                              &desc->groups};
    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++) {
        *ones[i] += *ones[i] == 0;
    }
    /* -0.0f is how a caller asks for [0, 0] */
    if (desc->output_min == 0 && desc->output_max == 0 && !signbit(desc->output_min)) {
        desc->output_min = -INFINITY;
        desc->output_max = INFINITY;
    }
}

ic_status ic_read_desc(const ic_conv2d_desc *given, ic_conv2d_desc *desc) {
    if (given->struct_size != sizeof *given) {
        return IC_INVALID_ARGUMENT;
    }
    *desc = *given;
    fill_defaults(desc);
    if (desc->kernel_height == 0 || desc->kernel_width == 0) {
        return IC_INVALID_ARGUMENT;
    }
    if (desc->in_channels == 0 || desc->out_channels == 0 || desc->in_channels % desc->groups != 0 ||
        desc->out_channels % desc->groups != 0) {
        return IC_INVALID_ARGUMENT;
    }
    if (!(desc->output_min <= desc->output_max)) { /* false for NaN, too */
        return IC_INVALID_ARGUMENT;
    }
    size_t weights = desc->out_channels;
    if (!ic_multiply(&weights, desc->kernel_height) || !ic_multiply(&weights, desc->kernel_width) ||
        !ic_multiply(&weights, ic_group_inputs(desc)) || !ic_multiply(&weights, sizeof(float)) ||
        !ic_is_array_size(weights)) {
        return IC_OVERFLOW;
    }
    return IC_OK;
}

/* Output size along one axis. */
static ic_status output_size(size_t input, uint32_t before, uint32_t after, uint32_t kernel, uint32_t dilation,
                             uint32_t stride, size_t *output) {
    size_t padded = input, extent = kernel - 1u;
    if (!ic_add(&padded, before) || !ic_add(&padded, after) || !ic_multiply(&extent, dilation) || !ic_add(&extent, 1)) {
        return IC_OVERFLOW;
    }
    if (extent > padded) {
        return IC_INVALID_ARGUMENT;
    }
    *output = (padded - extent) / stride + 1;
    return IC_OK;
}

static bool is_tensor(size_t batch, size_t height, size_t width, size_t channels) {
    size_t bytes = batch;
    return ic_multiply(&bytes, height) && ic_multiply(&bytes, width) && ic_multiply(&bytes, channels) &&
           ic_multiply(&bytes, sizeof(float)) && ic_is_array_size(bytes);
}

ic_status ic_make_geometry(const ic_conv2d_desc *desc, size_t batch, size_t height, size_t width,
                           ic_geometry *geometry) {
    if (batch == 0 || height == 0 || width == 0) {
        return IC_INVALID_ARGUMENT;
    }
    ic_geometry made = {batch, height, width, 0, 0};
    ic_status status = output_size(height, desc->pad_top, desc->pad_bottom, desc->kernel_height, desc->dilation_height,
                                   desc->stride_height, &made.output_height);
    if (status == IC_OK) {
        status = output_size(width, desc->pad_left, desc->pad_right, desc->kernel_width, desc->dilation_width,
                             desc->stride_width, &made.output_width);
    }
    if (status != IC_OK) {
        return status;
    }
    if (!is_tensor(batch, height, width, desc->in_channels) ||
        !is_tensor(batch, made.output_height, made.output_width, desc->out_channels)) {
        return IC_OVERFLOW;
    }
    *geometry = made;
    return IC_OK;
}

bool ic_reads_in_place(const ic_conv2d_desc *desc) {
    return desc->kernel_height == 1 && desc->kernel_width == 1 && desc->stride_height == 1 && desc->stride_width == 1 &&
           desc->groups == 1 && !ic_has_padding(desc);
}
