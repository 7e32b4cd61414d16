/* SPDX-License-Identifier: Apache-2.0
 * Before each launch: wait until the device is as cool as it was before the run. */
#ifndef CONVBENCH_GATE_H
#define CONVBENCH_GATE_H

#include "plan.h"
#include "record.h"

void gate_wait(const plan_gate *g, records *out, unsigned launch); /* writes its record; returns early on stop_now() */

#endif
