/* SPDX-License-Identifier: Apache-2.0
 * Readings of cpufreq between samples (at most every 100 ms), of thermal zones between rounds, and of the time at each
 * frequency in a round. What is no reading is null, and the record says why, once until that changes. */
#ifndef CONVBENCH_TELEMETRY_H
#define CONVBENCH_TELEMETRY_H

#include "conductor/records.h"
#include "wire/plan.h"

void telemetry_begin_round(const plan *p);
void telemetry_read(const plan *p, records *out, unsigned launch, bool round_ended);

#endif
