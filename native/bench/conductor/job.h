/* SPDX-License-Identifier: Apache-2.0
 * One layer in one launch: rounds of samples until they are done or the time budget is. */
#ifndef CONVBENCH_JOB_H
#define CONVBENCH_JOB_H

#include "conductor/run.h"

bool job_has_work(run *r, const plan_job *job); /* false: none of its variants can be run, and that is on record */
void job_run(run *r, const plan_job *job);

#endif
