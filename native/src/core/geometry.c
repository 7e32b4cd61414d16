/* SPDX-License-Identifier: Apache-2.0 */
#include "core/geometry.h"

#include "core/error.h"
#include "core/layout.h"
#include "core/memory.h"
#include "core/type.h"

#include <math.h>

/* Instruction sets differ in which of two zeros is the larger one: there is one zero less to compare with. */
static void drop_sign_of_zero(float *bound) {
    if (*bound == 0) {
        *bound = 0;
    }
}

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
    drop_sign_of_zero(&desc->output_min);
    drop_sign_of_zero(&desc->output_max);
}

static ic_status check_type(const ic_conv2d_desc *desc) {
    if (ic_type_of(desc->type) == NULL) {
        return ic_fail_type(desc->type);
    }
    return ic_layout_name(desc->layout) != NULL ? IC_OK : ic_fail_layout(desc->layout);
}

static ic_status check_channels(const ic_conv2d_desc *desc) {
    const struct {
        const char *name;
        size_t value;
    } both[] = {{"in_channels", desc->in_channels}, {"out_channels", desc->out_channels}};
    for (size_t i = 0; i < 2; i++) {
        if (both[i].value == 0) {
            return ic_fail(IC_INVALID_ARGUMENT, "desc.%s is 0", both[i].name);
        }
        if (both[i].value % desc->groups != 0) {
            return ic_fail(IC_INVALID_ARGUMENT, "desc.groups=%u does not divide desc.%s=%zu", desc->groups,
                           both[i].name, both[i].value);
        }
    }
    return IC_OK;
}

ic_status ic_read_desc(const ic_conv2d_desc *given, ic_conv2d_desc *desc) {
    if (given == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "desc is NULL");
    }
    if (given->struct_size != sizeof *given) {
        return ic_fail(IC_INVALID_ARGUMENT, "desc.struct_size=%zu is not %zu", given->struct_size, sizeof *given);
    }
    *desc = *given;
    fill_defaults(desc);
    ic_status status = check_type(desc);
    if (status == IC_OK && (desc->kernel_height == 0 || desc->kernel_width == 0)) {
        status =
            ic_fail(IC_INVALID_ARGUMENT, "desc.%s is 0", desc->kernel_height == 0 ? "kernel_height" : "kernel_width");
    }
    if (status == IC_OK) {
        status = check_channels(desc);
    }
    if (status == IC_OK && !(desc->output_min <= desc->output_max)) { /* false for NaN, too */
        status = ic_fail(IC_INVALID_ARGUMENT, "desc.output_min=%g is not up to desc.output_max=%g",
                         (double)desc->output_min, (double)desc->output_max);
    }
    if (status != IC_OK) {
        return status;
    }
    size_t weights = desc->out_channels;
    if (!ic_multiply(&weights, desc->kernel_height) || !ic_multiply(&weights, desc->kernel_width) ||
        !ic_multiply(&weights, ic_group_inputs(desc)) || !ic_multiply(&weights, ic_type_of(desc->type)->bytes) ||
        !ic_is_array_size(weights)) {
        return ic_fail(IC_OVERFLOW, "desc: weights of %u x %u x %zu for %zu outputs are no array", desc->kernel_height,
                       desc->kernel_width, ic_group_inputs(desc), desc->out_channels);
    }
    return IC_OK;
}

/* Output size along one axis, of `name`. */
static ic_status output_size(const char *name, size_t input, uint32_t before, uint32_t after, uint32_t kernel,
                             uint32_t dilation, uint32_t stride, size_t *output) {
    size_t padded = input, extent = kernel - 1u;
    if (!ic_add(&padded, before) || !ic_add(&padded, after) || !ic_multiply(&extent, dilation) || !ic_add(&extent, 1)) {
        return ic_fail(IC_OVERFLOW, "%s=%zu: with padding, or the kernel with dilation, it does not fit size_t", name,
                       input);
    }
    if (extent > padded) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s=%zu: with padding %zu, of which the kernel takes %zu", name, input,
                       padded, extent);
    }
    *output = (padded - extent) / stride + 1;
    return IC_OK;
}

static ic_status check_tensor(const char *name, ic_type type, size_t batch, size_t height, size_t width,
                              size_t channels) {
    size_t bytes = batch;
    if (ic_multiply(&bytes, height) && ic_multiply(&bytes, width) && ic_multiply(&bytes, channels) &&
        ic_multiply(&bytes, ic_type_of(type)->bytes) && ic_is_array_size(bytes)) {
        return IC_OK;
    }
    return ic_fail(IC_OVERFLOW, "%s: %zu x %zu x %zu x %zu elements are no array", name, batch, height, width,
                   channels);
}

ic_status ic_make_geometry(const ic_conv2d_desc *desc, size_t batch, size_t height, size_t width,
                           ic_geometry *geometry) {
    if (batch == 0 || height == 0 || width == 0) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s is 0", batch == 0 ? "batch" : height == 0 ? "height" : "width");
    }
    ic_geometry made = {batch, height, width, 0, 0};
    ic_status status = output_size("height", height, desc->pad_top, desc->pad_bottom, desc->kernel_height,
                                   desc->dilation_height, desc->stride_height, &made.output_height);
    if (status == IC_OK) {
        status = output_size("width", width, desc->pad_left, desc->pad_right, desc->kernel_width, desc->dilation_width,
                             desc->stride_width, &made.output_width);
    }
    if (status == IC_OK) {
        status = check_tensor("input", desc->type, batch, height, width, desc->in_channels);
    }
    if (status == IC_OK) {
        status = check_tensor("output", desc->type, batch, made.output_height, made.output_width, desc->out_channels);
    }
    if (status == IC_OK) {
        *geometry = made;
    }
    return status;
}

ic_status ic_conv2d_output_size(const ic_conv2d_desc *given, size_t height, size_t width, size_t *output_height,
                                size_t *output_width) {
    ic_conv2d_desc desc;
    ic_geometry geometry;
    if (output_height == NULL || output_width == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s is NULL", output_height == NULL ? "output_height" : "output_width");
    }
    ic_status status = ic_read_desc(given, &desc);
    if (status == IC_OK) {
        status = ic_make_geometry(&desc, 1, height, width, &geometry);
    }
    if (status == IC_OK) {
        *output_height = geometry.output_height;
        *output_width = geometry.output_width;
    }
    return status;
}

bool ic_matrix_size(const ic_conv2d_desc *desc, size_t pixels, size_t *bytes) {
    *bytes = ic_taps(desc);
    return ic_multiply(bytes, ic_group_inputs(desc)) && ic_multiply(bytes, pixels) &&
           ic_multiply(bytes, ic_type_of(desc->type)->bytes) && ic_is_array_size(*bytes);
}

bool ic_reads_in_place(const ic_conv2d_desc *desc) {
    return desc->layout == IC_LAYOUT_NHWC && desc->kernel_height == 1 && desc->kernel_width == 1 &&
           desc->stride_height == 1 && desc->stride_width == 1 && desc->groups == 1 && !ic_has_padding(desc);
}

bool ic_winograd_covers(const ic_conv2d_desc *desc) {
    return desc->kernel_height == 3 && desc->kernel_width == 3 && desc->stride_height == 1 && desc->stride_width == 1 &&
           desc->dilation_height == 1 && desc->dilation_width == 1;
}
