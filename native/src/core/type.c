/* SPDX-License-Identifier: Apache-2.0 */
#include "core/type.h"

static const ic_element elements[] = {
    {IC_TYPE_F32, "f32", sizeof(float), 0x1p-24},
};

/* Beside the table. */
const char *ic_type_names(void) {
    return "0, f32";
}

const ic_element *ic_type_of(ic_type type) {
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        if (elements[i].type == type) {
            return &elements[i];
        }
    }
    return NULL;
}
