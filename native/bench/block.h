/* SPDX-License-Identifier: Apache-2.0
 * One layer in one launch: rounds of samples until they are done or the time budget is. */
#ifndef CONVBENCH_BLOCK_H
#define CONVBENCH_BLOCK_H

#include "crew.h"

void block_run(crew *c, const plan_job *job);

#endif
