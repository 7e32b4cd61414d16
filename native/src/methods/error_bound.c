/* SPDX-License-Identifier: Apache-2.0 */
#include "methods/error_bound.h"

#include "core/geometry.h"
#include "core/type.h"
#include "object.h"

double ic_bound_of_products(const ic_conv2d_desc *desc) {
    const double products = (double)ic_taps(desc) * (double)ic_group_inputs(desc);
    const double roundings = (products + 1) * ic_type_of(desc->type)->roundoff;
    return roundings / (1 - roundings);
}

double ic_bound_of_sums(const ic_conv2d *conv) {
    return ic_bound_of_products(&conv->desc);
}
