/* SPDX-License-Identifier: Apache-2.0
 * The conductor's workers, one a build, and what is known of each variant on each layer: start them, give them layers
 * and variants, have results checked. What goes wrong becomes a record under the variant that it concerns. */
#ifndef CONVBENCH_WORKERS_H
#define CONVBENCH_WORKERS_H

#include "object_state.h"
#include "worker_process.h"

typedef struct {
    const plan *p;
    records *out;
    cpu_caches caches;
    worker_process *workers;            /* by build */
    char (*builds)[64];                 /* names in records, by build */
    object_state *objects;              /* by layer, object */
    bool *refused;                      /* by layer, variant: skipped, or crashed or hung, in this cache mode */
    uint64_t *calls;                    /* by layer, variant: of a sample; 0: not chosen yet */
    unsigned *failures;                 /* by build: starts in a row that failed, in this launch */
    bool *hindered;                     /* by build: one of them from outside */
    uint64_t memory;                    /* bytes of one worker */
    uint64_t lost_ns;                   /* on crashes and hangs, and on replacing the worker */
    bool measuring, wrong, broken, cut; /* cut: the run was to stop before all was done */
    bool cpu_gone;                      /* why it was cut */
    double patience;                    /* times worker_timeout_s */
    unsigned launch;
    answer a;
} run;

void run_begin(run *r, const plan *p, records *out);
void workers_stop(run *r);                          /* ends every worker */
void workers_begin_launch(run *r, unsigned launch); /* the same, and the next launch begins */
object_state *run_object(run *r, unsigned layer, unsigned object);
identity run_identity(run *r, unsigned layer, unsigned variant);

/* One request; the answer is in r->a. allowance_s: beyond the time that a worker may be silent. */
bool workers_ask(run *r, worker_process *w, double allowance_s, const char *request);
bool workers_crashed(const run *r); /* workers_ask failed, because the worker died or hung by its own doing */
bool workers_answered(const run *r, const char *word);
/* An answer of no use: one error record, unless the run is being stopped. r->a.external says whether the variant had no
 * part in it; where the measured CPU is not to be had, the run is cut. Always false. */
bool workers_give_up(run *r, const identity *of);
void workers_skip(run *r, const identity *of); /* the answer is a skip: its record */
/* A sample's output is not the checked one: recorded, and the variant is out. Always false. */
bool objects_wrong(run *r, unsigned layer, unsigned object);

/* Makes the variant known to its worker, and checks that it still gives the checked result. `again`: its records of
 * this launch are written already. */
bool objects_prepare(run *r, unsigned layer, unsigned variant, worker_process **worker, bool again);
/* Tries an object on a layer and compares its outputs: by `reference` or `every`. dump NULL: no files. */
bool objects_check(run *r, unsigned layer, unsigned object, const char *by, const char *dump);

#endif
