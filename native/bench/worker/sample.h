/* SPDX-License-Identifier: Apache-2.0
 * One sample of one variant: place, settle, time, with the evidence beside it. */
#ifndef CONVBENCH_SAMPLE_H
#define CONVBENCH_SAMPLE_H

#include "probes/arena.h"
#include "probes/counters.h"
#include "wire/evidence.h"
#include "worker/layer_data.h"
#include "worker/pressure.h"

#define SAMPLE_TICKS 1000 /* a sample, and a call in rotate, is no shorter than this many ticks of the timer */
#define SAMPLE_PIN_TRIES 4

typedef struct {
    arena *arena;
    const layer_shape *layer;
    const layer_data *data;
    ic_algorithm algorithm;
    ic_layout layout;
    const char *schedule;
    ic_pool *pool;                                   /* NULL: one thread */
    const size_t *bytes;                             /* of one instance, by ic_memory */
    size_t room;                                     /* of the arena for one instance */
    size_t memory;                                   /* of the arena at most */
    int cpu;                                         /* to be pinned to */
    uint64_t min_ns, max_khz, llc, settle_ns, calls; /* calls 0: to be chosen */
    double tick_ns, call_ns;                         /* call_ns: what a call took before, 0: unknown */
    bool rotate, reads;                              /* reads: memory bandwidth is evidence, too */
    pressure *pressure;
    const counters *counters; /* of this thread; NULL: of several threads one's counts tell nothing */
} sample_request;

typedef struct {
    evidence evidence;
    uint64_t checksum; /* of the last call's output */
} sample_result;

typedef enum {
    SAMPLE_TAKEN,
    SAMPLE_SKIPPED,
    SAMPLE_FAILED,
    SAMPLE_HINDERED /* the CPU was not to be had */
} sample_status;

/* On a skip or a failure `reason` says why and `bytes` what memory it takes (0: not a matter of memory). */
sample_status sample_take(const sample_request *request, sample_result *result, char *reason, size_t room,
                          size_t *bytes);

#endif
