/* SPDX-License-Identifier: Apache-2.0
 * Types of elements as files know them: a row for each type that the library covers. */
#ifndef CONVBENCH_ELEMENT_H
#define CONVBENCH_ELEMENT_H

#include "indirectconv.h"

typedef struct {
    ic_type type;
    const char *npy; /* NumPy's name, little-endian */
    size_t bytes;
} element;

const element *element_of(ic_type type);

#endif
