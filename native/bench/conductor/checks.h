/* SPDX-License-Identifier: Apache-2.0
 * Before anything is timed: is what the variants compute right? */
#ifndef CONVBENCH_CHECKS_H
#define CONVBENCH_CHECKS_H

#include "conductor/run.h"

/* Checks every object that some job (first_launch: of the first launch) uses; by NULL: all outputs where that is quick,
 * else the reference's. What is not right is not usable. */
void checks_run(run *r, bool first_launch, const char *by, const char *dump);

#endif
