/* SPDX-License-Identifier: Apache-2.0 */
#include "methods/method.h"

/* Of NCHW alone. */
static const ic_method *const of_planes[] = {&ic_method_naive, &ic_method_nchw};

static const ic_method *first_of(const ic_method *const *table, size_t count, const ic_conv2d *conv) {
    for (size_t i = 0; i < count; i++) {
        if (table[i]->covers(conv)) {
            return table[i];
        }
    }
    return NULL;
}

const ic_method *ic_method_for(const ic_conv2d *conv) {
    static const ic_method *const table[] = {&ic_method_naive, &ic_method_depthwise, &ic_method_winograd,
                                             &ic_method_tiled, &ic_method_fft};
    return conv->desc.layout == IC_LAYOUT_NCHW ? first_of(of_planes, sizeof of_planes / sizeof of_planes[0], conv)
                                               : first_of(table, sizeof table / sizeof table[0], conv);
}
