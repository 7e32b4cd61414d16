/* SPDX-License-Identifier: Apache-2.0
 * Parameters and sizes of a convolution: validation, output size, and where a tap reads. */
#ifndef IC_GEOMETRY_H
#define IC_GEOMETRY_H

#include "indirectconv.h"

#include <stdbool.h>

typedef struct {
    size_t batch, input_height, input_width, output_height, output_width;
} ic_geometry;

/* The caller's description with all defaults filled in, and everything checked that doesn't depend on the input's size.
 * All else in the library takes descriptions that come from here. */
ic_status ic_read_desc(const ic_conv2d_desc *given, ic_conv2d_desc *desc);

/* Sizes for one input. IC_OVERFLOW when input or output cannot be an array. */
ic_status ic_make_geometry(const ic_conv2d_desc *desc, size_t batch, size_t height, size_t width,
                           ic_geometry *geometry);

/* Bytes of the patch matrix of im2col, of `pixels` output pixels and one group; false on overflow. */
bool ic_matrix_size(const ic_conv2d_desc *desc, size_t pixels, size_t *bytes);

/* 1x1 with stride 1 and neither padding nor groups, in NHWC: the input itself is the patch matrix. */
bool ic_reads_in_place(const ic_conv2d_desc *desc);

/* 3x3 with stride and dilation 1. */
bool ic_winograd_covers(const ic_conv2d_desc *desc);

static inline bool ic_has_padding(const ic_conv2d_desc *desc) {
    return (desc->pad_top | desc->pad_right | desc->pad_bottom | desc->pad_left) != 0;
}

static inline size_t ic_taps(const ic_conv2d_desc *desc) {
    return (size_t)desc->kernel_height * desc->kernel_width;
}

static inline size_t ic_group_inputs(const ic_conv2d_desc *desc) {
    return desc->in_channels / desc->groups;
}

static inline size_t ic_group_outputs(const ic_conv2d_desc *desc) {
    return desc->out_channels / desc->groups;
}

/* One input and one output channel for each group. */
static inline bool ic_is_depthwise(const ic_conv2d_desc *desc) {
    return desc->groups > 1 && desc->in_channels == desc->groups && desc->out_channels == desc->groups;
}

/* Output channels of which a kernel's tile takes as many as it has columns: of a group, or of all groups that share a
 * vector. */
static inline size_t ic_columns_of(const ic_conv2d_desc *desc) {
    return ic_is_depthwise(desc) ? desc->out_channels : ic_group_outputs(desc);
}

/* Row of the input that tap row `tap` of output row `out` reads. Wraps to a huge value above the input, so that one
 * comparison with input_height tests both borders. */
static inline size_t ic_input_row(const ic_conv2d_desc *desc, size_t out, size_t tap) {
    return out * desc->stride_height + tap * desc->dilation_height - desc->pad_top;
}

static inline size_t ic_input_column(const ic_conv2d_desc *desc, size_t out, size_t tap) {
    return out * desc->stride_width + tap * desc->dilation_width - desc->pad_left;
}

#endif
