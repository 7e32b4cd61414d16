/* SPDX-License-Identifier: Apache-2.0
 * Before each launch: wait until the device is as cool as where it rests today. */
#ifndef CONVBENCH_GATE_H
#define CONVBENCH_GATE_H

#include "conductor/gate_rule.h"
#include "conductor/records.h"
#include "wire/plan.h"

/* What the gates of a run share. */
typedef struct {
    gate_memory memory;
    double waited_s, measured_s; /* by all gates; by the jobs */
    const char *clock;           /* where its clocks come from: those of two sources are not compared; NULL: none yet */
    unsigned unbelieved;         /* readings of the clock in a row, the latest ones */
    unsigned launches;           /* that began behind a gate */
} gate_run;

gate_run gate_run_begin(const plan *p);
/* Writes its record; returns early on stop_now(). One reading that fails, is no temperature or far from the others
 * decides nothing; readings that fail for a second are no source, and then the clock alone decides. */
void gate_wait(const plan *p, gate_run *g, records *out, unsigned launch);

#endif
