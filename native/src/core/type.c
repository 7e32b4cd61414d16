/* SPDX-License-Identifier: Apache-2.0 */
#include "core/type.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>

enum { TYPES = 1 };

static const ic_element elements[TYPES] = {
    {IC_TYPE_F32, "f32", sizeof(float), 0x1p-24},
};

const ic_element *ic_type_of(ic_type type) {
    for (size_t i = 0; i < TYPES; i++) {
        if (elements[i].type == type) {
            return &elements[i];
        }
    }
    return NULL;
}

const ic_element *ic_type_from_name(const char *name) {
    for (size_t i = 0; i < TYPES; i++) {
        if (strcmp(elements[i].name, name) == 0) {
            return &elements[i];
        }
    }
    return NULL;
}

ic_status ic_fail_type(ic_type type) {
    char covered[128] = "";
    size_t length = 0;
    for (size_t i = 0; i < TYPES; i++) {
        length += (size_t)snprintf(covered + length, sizeof covered - length, "%s%d (%s)", i == 0 ? "" : ", ",
                                   (int)elements[i].type, elements[i].name);
    }
    return ic_fail(IC_UNSUPPORTED, "desc.type=%d: there is %s", (int)type, covered);
}
