/* SPDX-License-Identifier: Apache-2.0
 * Little-endian float32 arrays in NumPy's file format, version 1.0. */
#ifndef CONVBENCH_NPY_H
#define CONVBENCH_NPY_H

#include <stdbool.h>
#include <stddef.h>

bool npy_write(const char *path, const float *values, const size_t *shape, unsigned dimensions); /* errno on failure */

#endif
