/* SPDX-License-Identifier: Apache-2.0
 * What a worker keeps from one request to the next. */
#ifndef CONVBENCH_STATE_H
#define CONVBENCH_STATE_H

#include "machine/timer.h"
#include "probes/arena.h"
#include "probes/counters.h"
#include "wire/protocol.h"
#include "worker/layer_data.h"
#include "worker/pressure.h"
#include "worker/reference.h"
#include "worker/schedule.h"
#include "worker/table.h"

/* What a convolution object of the layer is made from: each sample makes one anew. */
typedef struct {
    bool made;
    ic_algorithm algorithm;
    ic_layout layout;
    char schedule[SCHEDULE_NAME]; /* as chosen, like the algorithm */
    size_t bytes[IC_MEMORY_KINDS];
    unsigned threads; /* that share a call: those of the worker's pool of so many */
    size_t room;      /* of the arena for one instance */
    double call_ns;   /* what its last untimed call took, 0: unknown */
} object;

typedef struct {
    arena arena;
    size_t memory; /* budget of data and arena together */
    uint64_t l2, llc, min_ns, max_khz;
    pressure pressure;
    counters counters;
    int cpu;
    unsigned cpus[IC_MAX_THREADS], cpu_count; /* for threads: cpu, then the others */
    ic_pool *pools[IC_MAX_THREADS + 1];       /* by threads; made when an object first needs them */
    timer_info timer;
    table table;
    bool has_layer;
    layer_shape layer;
    layer_data data;
    reference reference;
    bool reference_every;
    object objects[PROTOCOL_OBJECTS];
} worker;

#endif
