/* SPDX-License-Identifier: Apache-2.0
 * Records about a run, its workers and its jobs, one function a type. */
#ifndef CONVBENCH_RUN_RECORDS_H
#define CONVBENCH_RUN_RECORDS_H

#include "conductor/records.h"
#include "conductor/worker_process.h"
#include "machine/caches.h"
#include "wire/fields.h"
#include "wire/plan.h"

/* memory: bytes of one worker. */
void emit_header(records *out, const plan *p, const caches *c, uint64_t memory);
/* From the answer to `hello` of that process; a malformed one leaves its fault in hello->error and writes nothing.
 * foreign: what it leaves out is not known; else it has to tell all. */
bool emit_worker(records *out, unsigned launch, const char *build, fields *hello, const worker_process *w,
                 bool foreign);
/* complete: nothing is missing of it but what is out for good, and what the budget cut. */
void emit_job(records *out, unsigned launch, const char *layer, unsigned rounds, unsigned planned, bool complete,
              double elapsed_s, double lost_s);
void emit_end(records *out, const char *reason);

#endif
