/* SPDX-License-Identifier: Apache-2.0
 * The lines of a plan that say what to measure. */
#ifndef CONVBENCH_PLAN_WORK_H
#define CONVBENCH_PLAN_WORK_H

#include "wire/plan_reader.h"

/* Each reads a line of its word (without fields_end) into the plan; faults stick in r->f.error. */
void plan_read_build(plan_reader *r);
void plan_read_variant(plan_reader *r);
void plan_read_layer(plan_reader *r);
void plan_read_known(plan_reader *r);
void plan_read_job(plan_reader *r);

#endif
