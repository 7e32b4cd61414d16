/* SPDX-License-Identifier: Apache-2.0
 * Arrays in NumPy's file format, version 1.0. */
#ifndef CONVBENCH_NPY_H
#define CONVBENCH_NPY_H

#include "indirectconv.h"

#include <stdbool.h>
#include <stddef.h>

/* errno on failure */
bool npy_write(const char *path, ic_type type, const void *values, const size_t *shape, unsigned dimensions);

#endif
