/* SPDX-License-Identifier: Apache-2.0
 * Readings of cpufreq between samples (at most every 100 ms) and of thermal zones between rounds. */
#ifndef CONVBENCH_TELEMETRY_H
#define CONVBENCH_TELEMETRY_H

#include "conductor/records.h"
#include "wire/plan.h"

void telemetry_read(const plan *p, records *out, unsigned launch, bool round_ended);

#endif
