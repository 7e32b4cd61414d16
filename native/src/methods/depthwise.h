/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolutions by regions: a vector of neighbouring channels at a time, padding neither read nor multiplied,
 * and nothing built for an input's size. By the general way each channel would be a group with tiles of one column. */
#ifndef IC_DEPTHWISE_H
#define IC_DEPTHWISE_H

#include "object.h"

/* One input and one output channel for each group. */
bool ic_is_depthwise(const ic_conv2d_desc *desc);

/* Output channels of which a kernel's tile takes as many as it has columns. */
static inline size_t ic_columns_of(const ic_conv2d_desc *desc) {
    return ic_is_depthwise(desc) ? desc->out_channels : ic_group_outputs(desc);
}

void ic_run_depthwise(const ic_conv2d *conv, const float *input, float *output);

#endif
