/* SPDX-License-Identifier: Apache-2.0
 * One sample of one variant: place, settle, time, with the evidence beside it. */
#ifndef CONVBENCH_SAMPLE_H
#define CONVBENCH_SAMPLE_H

#include "instance.h"

#define SAMPLE_TICKS 1000 /* a sample, and a call in rotate, is no shorter than this many ticks of the timer */

typedef struct {
    arena *arena;
    const layer_shape *layer;
    const layer_data *data;
    ic_algorithm algorithm;
    const char *kernel;
    const size_t *bytes; /* of one instance, by ic_memory */
    size_t memory;       /* of the arena at most */
    uint64_t min_ns, max_khz, llc, settle_ns, calls;
    double tick_ns;
    bool rotate, first;
} sample_request;

typedef struct {
    uint64_t calls, t_ns;
    double ns, copy_ns, settle_ns, mhz_before, mhz_after; /* copy_ns and mhz: -1 for none */
    unsigned copies;
    bool settle_capped;
    int cpu_before, cpu_after;
    long nivcsw, faults;
    const void *input, *weights, *output, *pointers, *matrix;
} sample_result;

typedef enum { SAMPLE_TAKEN, SAMPLE_SKIPPED, SAMPLE_FAILED } sample_status;

/* On a skip or a failure `reason` says why and `bytes` what memory it takes (0: not a matter of memory). */
sample_status sample_take(const sample_request *request, sample_result *result, char *reason, size_t room,
                          size_t *bytes);

/* Bytes of arena for layers that need `need`: room to place them at random, and more than the caches. */
size_t sample_arena_bytes(size_t need, uint64_t llc, size_t memory);

#endif
