/* SPDX-License-Identifier: Apache-2.0
 * Before each launch: wait until the device is as cool as where it rests today. */
#ifndef CONVBENCH_GATE_H
#define CONVBENCH_GATE_H

#include "conductor/records.h"
#include "wire/plan.h"

/* Writes its record; returns early on stop_now(). plateau: the temperature at which the device rests, NaN: this gate
 * waits until it stops falling, and learns it. One reading that fails, is no temperature or far from the others decides
 * nothing; readings that fail for a second are no source. */
void gate_wait(const plan_gate *g, double *plateau, records *out, unsigned launch);

#endif
