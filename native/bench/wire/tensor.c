/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tensor.h"

#include "core/type.h"
#include "wire/fields.h"

enum { TYPES = IC_TYPE_S8 + 1, LIST = 64 };

const char *tensor_type_name(ic_type type) {
    const ic_element *element = ic_type_of(type);
    return element ? element->name : NULL;
}

bool tensor_type_from_name(const char *name, ic_type *type) {
    const ic_element *element = ic_type_from_name(name);
    if (element) {
        *type = element->type;
    }
    return element != NULL;
}

static void list(char names[LIST], const char *name) {
    if (name) {
        fields_append(names, LIST, "%s%s", names[0] ? ", " : "", name);
    }
}

const char *tensor_types(void) {
    static char names[LIST];
    names[0] = 0;
    for (unsigned i = 0; i < TYPES; i++) {
        list(names, tensor_type_name((ic_type)i));
    }
    return names;
}
