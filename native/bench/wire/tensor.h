/* SPDX-License-Identifier: Apache-2.0
 * Types of elements by the names that plan, protocol and records have for them and
 * what of them is covered. */
#ifndef CONVBENCH_TENSOR_H
#define CONVBENCH_TENSOR_H

#include "indirectconv.h"

#include <stdbool.h>

/* False: there is none of that name, or the library does not cover it. */
bool tensor_type_from_name(const char *name, ic_type *type);
const char *tensor_type_name(ic_type type); /* of one that is covered */
/* What is covered: "f32". */
const char *tensor_types(void);

#endif
