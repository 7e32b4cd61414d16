/* SPDX-License-Identifier: Apache-2.0
 * Types of elements: the table of those that the library covers. */
#ifndef IC_TYPE_H
#define IC_TYPE_H

#include "indirectconv.h"

typedef struct {
    ic_type type;
    const char *name;                           /* "f32" */
    size_t bytes;                               /* of an element, and their alignment */
    double roundoff;                            /* u: a sum or product is off by a share of so much at most */
    void (*fill)(void *elements, size_t count); /* with numbers of both signs that are neither large nor denormal */
} ic_element;

/* NULL: not covered. */
const ic_element *ic_type_of(ic_type type);
const ic_element *ic_type_from_name(const char *name);
/* IC_UNSUPPORTED, with what is covered. */
ic_status ic_fail_type(ic_type type);

#endif
