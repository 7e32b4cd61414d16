/* SPDX-License-Identifier: Apache-2.0 */
#include "methods/method.h"

#include "core/type.h"

const ic_method *ic_method_for(const ic_conv2d *conv) {
    static const ic_method *const table[] = {&ic_method_naive, &ic_method_depthwise, &ic_method_tiled};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i]->covers(conv)) {
            return table[i];
        }
    }
    return NULL;
}

double ic_bound_of_sums(const ic_conv2d_desc *desc) {
    const double products = (double)ic_taps(desc) * (double)ic_group_inputs(desc);
    const double roundings = (products + 1) * ic_type_of(desc->type)->roundoff;
    return roundings / (1 - roundings);
}
