/* SPDX-License-Identifier: Apache-2.0
 * The kernels of this program. */
#ifndef IC_TABLE_H
#define IC_TABLE_H

#include "kernels/kernel.h"

/* Those of a type best first, its last one for any CPU; NULL past the end. */
const ic_kernel *ic_kernel_table(unsigned index);
const ic_kernel *ic_kernel_find(const char *name);

#endif
