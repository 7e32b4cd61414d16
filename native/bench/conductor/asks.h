/* SPDX-License-Identifier: Apache-2.0
 * What the system says of its state (dumpsys): at each launch, between jobs after a while, and at the end; never while
 * something is measured. */
#ifndef CONVBENCH_ASKS_H
#define CONVBENCH_ASKS_H

#include "conductor/records.h"
#include "wire/plan.h"

/* Writes one record. due: only where every_s have passed, and so long that asking takes at most a hundredth of the
 * time. What gave no answer twice in a row is not asked again. */
void asks_run(const plan *p, records *out, unsigned launch, bool due);

#endif
