/* SPDX-License-Identifier: Apache-2.0
 * Algorithms of ours by the names that plan, protocol and records have for them: the library's, and `im2col-nchw`,
 * which is its im2col on another layout of input and output. */
#ifndef CONVBENCH_ALGORITHMS_H
#define CONVBENCH_ALGORITHMS_H

#include "indirectconv.h"

#include <stdbool.h>

/* False, and nothing written, where none is called that. */
bool algorithms_read(const char *name, ic_algorithm *algorithm, ic_layout *layout);
const char *algorithms_name(ic_algorithm algorithm, ic_layout layout);

#endif
