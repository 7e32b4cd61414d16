/* SPDX-License-Identifier: Apache-2.0
 * Before a variant is timed: is what it computes right? */
#ifndef CONVBENCH_CHECKS_H
#define CONVBENCH_CHECKS_H

#include "conductor/run.h"

/* Checks every object that some job (first_launch: of the first launch) uses, in processes that end with it; by NULL:
 * all outputs where that is quick, else the reference's. What is not right is not usable. */
void checks_run(run *r, bool first_launch, const char *by, const char *dump);
/* The same of the objects of one job that were not checked before, by the reference, in the processes there are: they
 * have no layer after it, so that the job begins in them as in those that checked nothing. */
void checks_of_job(run *r, const plan_job *job);
/* Whether anything can be measured in the launch that begins with job `first`: of its jobs those are checked, in
 * processes that end with it, up to the first with work. */
bool checks_find_work(run *r, unsigned first);

#endif
