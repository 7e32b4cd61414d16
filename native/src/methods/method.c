/* SPDX-License-Identifier: Apache-2.0 */
#include "methods/method.h"

const ic_method *ic_method_for(const ic_conv2d *conv) {
    static const ic_method *const table[] = {&ic_method_naive, &ic_method_depthwise, &ic_method_winograd,
                                             &ic_method_tiled};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i]->covers(conv)) {
            return table[i];
        }
    }
    return NULL;
}
