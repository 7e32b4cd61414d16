/* SPDX-License-Identifier: Apache-2.0
 * The input and one or more instances, each buffer at a random place of the arena, which grows as they need it. */
#ifndef CONVBENCH_PLACEMENT_H
#define CONVBENCH_PLACEMENT_H

#include "worker/instance.h"

typedef struct {
    arena *arena;
    const layer_shape *layer;
    const layer_data *data;
    ic_layout layout; /* of `input` and the instances' outputs */
    ic_algorithm algorithm;
    const char *schedule;  /* NULL: the default */
    const ic_tuned *tuned; /* for auto; NULL: none */
    ic_pool *pool;         /* NULL: one thread */
    size_t budget;         /* bytes of the arena at most */
    uint64_t llc;
    size_t room; /* bytes of the arena an instance takes; 0: not known, found out by trying */
    float *input;
    float *turned;  /* room for an output in NHWC, where theirs is another; else NULL */
    instance *copy; /* array of `copies`, the caller's */
    unsigned copies, made;
} placement;

/* IC_OUT_OF_MEMORY: placement_need is over the budget. On a failure nothing stays placed. */
ic_status placement_make(placement *p);
void placement_free(placement *p);
/* What an instance computed, as NHWC: until the next call. */
const float *placement_output(const placement *p, const instance *i);
size_t placement_need(const placement *p); /* bytes of the arena, as far as known */

#endif
