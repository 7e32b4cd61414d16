/* SPDX-License-Identifier: Apache-2.0
 * The conductor: runs a plan with workers and writes what comes out. It computes no convolution. */
#ifndef CONVBENCH_CONDUCTOR_H
#define CONVBENCH_CONDUCTOR_H

#include "conductor/records.h"
#include "wire/plan.h"

/* Both return an exit code. */
int conductor_run(const plan *p, records *out);
/* Correctness alone, of the first launch's layers and variants; dump NULL: no files. */
int conductor_verify(const plan *p, records *out, const char *dump);

#endif
