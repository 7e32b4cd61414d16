/* SPDX-License-Identifier: Apache-2.0 */
#include "core/type.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>

static void fill_f32(void *elements, size_t count) {
    float *values = elements;
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 16) / 65536.0f - 0.49f;
    }
}

enum { TYPES = 1 };

static const ic_element elements[TYPES] = {
    {IC_TYPE_F32, "f32", sizeof(float), 0x1p-24, fill_f32},
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
