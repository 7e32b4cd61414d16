/* SPDX-License-Identifier: Apache-2.0
 * The lines of a plan that say how to measure, and where. */
#ifndef CONVBENCH_PLAN_SETTINGS_H
#define CONVBENCH_PLAN_SETTINGS_H

#include "wire/plan_reader.h"

/* Each reads a line of its word (without fields_end) into the plan; faults stick in r->f.error. */
void plan_read_run(plan_reader *r);
void plan_read_measure(plan_reader *r);
void plan_read_gate(plan_reader *r);
void plan_read_watch(plan_reader *r);
void plan_read_ask(plan_reader *r);
void plan_read_tuned(plan_reader *r);
void plan_read_max_khz(plan_reader *r);

#endif
