/* SPDX-License-Identifier: Apache-2.0
 * The tuned table of a plan's layers on the plan's CPU. */
#ifndef CONVBENCH_TUNE_H
#define CONVBENCH_TUNE_H

#include "wire/plan.h"

/* Measures each layer for the plan's budget_s (of measure) and writes the table to `out`, which then is a whole one, or
 * not there. On stdout a line of JSON per layer, with what auto does and what is best, and one for the end. Exit code
 * as of a run. */
int tune_plan(const plan *p, const char *out);

#endif
