/* SPDX-License-Identifier: Apache-2.0
 * Algorithms by name. */
#ifndef IC_ALGORITHM_H
#define IC_ALGORITHM_H

#include "indirectconv.h"

#include <stdbool.h>

bool ic_is_algorithm(ic_algorithm algorithm);
const char *
ic_algorithm_name(ic_algorithm algorithm); /* "naive", "im2col", "direct", "indirect", "auto", "fft", "winograd" */
bool ic_algorithm_from_name(const char *name, ic_algorithm *algorithm);

#endif
