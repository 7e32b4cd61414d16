/* SPDX-License-Identifier: Apache-2.0
 * The conductor: runs a plan with workers and writes what comes out. It computes no convolution. */
#ifndef CONVBENCH_CONDUCTOR_H
#define CONVBENCH_CONDUCTOR_H

#include "plan.h"
#include "records.h"

/* Exit codes; where several apply the first in this order counts. */
enum {
    EXIT_DONE = 0,
    EXIT_SIGNAL = 130,
    EXIT_BAD_PLAN = 2,
    EXIT_WRONG = 1,
    EXIT_WORKER = 3,
    EXIT_DEADLINE = 4,
};

int conductor_run(const plan *p, records *out);
/* Correctness alone, of the first launch's layers and variants; dump NULL: no files. */
int conductor_verify(const plan *p, records *out, const char *dump);

#endif
