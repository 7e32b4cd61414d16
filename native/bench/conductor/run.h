/* SPDX-License-Identifier: Apache-2.0
 * A run of a plan: its workers, what is known of each object and variant on each layer, and how it goes. */
#ifndef CONVBENCH_RUN_H
#define CONVBENCH_RUN_H

#include "conductor/object_state.h"
#include "conductor/records.h"
#include "conductor/worker_process.h"
#include "machine/caches.h"

typedef struct {
    const plan *p;
    records *out;
    caches caches;
    worker_process *workers; /* by build */
    char (*builds)[64];      /* names in records, by build */
    unsigned *failures;      /* by build: starts in a row that failed, in this launch */
    bool *hindered;          /* by build: one of them from outside */
    bool *unfit;             /* by build: its program is never started again */
    char (*faults)[200];     /* by build: what the latest start failed for */
    worker_process checker;  /* judges what foreign programs computed */
    worker_process *asked;   /* who the latest answer is of */
    char *folder;            /* of the files by which tensors are handed over */
    bool has_folder;         /* it was made: only where a program needs it */
    object_state *objects;   /* by layer, object */
    bool *refused;           /* by layer, variant: skipped, or crashed or hung, in this cache mode */
    uint64_t *calls;         /* by layer, variant: of a sample; 0: not chosen yet */
    uint64_t memory;         /* bytes of one worker */
    uint64_t lost_ns;        /* on crashes and hangs, and on replacing the worker */
    double patience;         /* times worker_timeout_s */
    unsigned launch;
    bool measuring; /* else only checking */
    bool wrong;     /* a result was */
    bool broken;    /* a worker was of no use */
    bool cut;       /* it was to stop before all was done */
    bool cpu_gone;  /* why it was cut */
    answer a;       /* the latest of any worker */
} run;

void run_begin(run *r, const plan *p, records *out,
               const char *beside); /* beside: the file that `folder` is named for */
object_state *run_object(run *r, unsigned layer, unsigned object);
identity run_identity(run *r, unsigned layer, unsigned variant);
/* Seconds that computing a layer once takes at most: naive, the reference, or an interpreter, under emulation. */
double run_slowest_s(const run *r, unsigned layer);
unsigned run_threads(const run *r, unsigned build); /* the most of a variant of the build */
/* Whether a build is told of threads: one of ours without variants of several may be older than the keys. */
bool run_tells_threads(const run *r, unsigned build);

#endif
