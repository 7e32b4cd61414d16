/* SPDX-License-Identifier: Apache-2.0
 * The micro-kernels of this program on this CPU. */
#ifndef CONVBENCH_KERNEL_H
#define CONVBENCH_KERNEL_H

#include "indirectconv.h"

/* The one that the algorithms as published run with, where no other was asked for: the first of the library's list that
 * this CPU has the features for. */
const char *kernel_default(ic_type type);

#endif
