/* SPDX-License-Identifier: Apache-2.0
 * Kernels in assembly for cores that issue in order, by height. A run must have that height and all 8 columns; what
 * the table of kernels calls (ic_neon_8x8_a53 and its like in kernel.h) takes any. */
#ifndef IC_CORTEX_H
#define IC_CORTEX_H

#include "kernels/kernel.h"

#define IC_ASSEMBLY_ROWS 8
#define IC_ASSEMBLY_COLUMNS 8

typedef struct {
    const char *core;
    ic_micro_kernel tiles[IC_ASSEMBLY_ROWS]; /* of 1, 2, ... rows */
} ic_assembly;

/* One entry per core, then one whose core is NULL. */
extern const ic_assembly ic_assemblies[];

#endif
