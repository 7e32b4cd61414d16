/* SPDX-License-Identifier: Apache-2.0
 * Before anything is timed: is what the variants compute right? */
#ifndef CONVBENCH_CHECKUP_H
#define CONVBENCH_CHECKUP_H

#include "crew.h"

/* Checks every unit that some job (first_launch: of the first launch) uses; by NULL: all outputs where that is quick,
 * else the reference's. What is not right is not usable. */
void checkup(crew *c, bool first_launch, const char *by, const char *dump);

#endif
