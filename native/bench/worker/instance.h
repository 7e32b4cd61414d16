/* SPDX-License-Identifier: Apache-2.0
 * One convolution object and its output, all of it at random places of the arena; bytes and addresses by kind are what
 * the library asked of its allocator. */
#ifndef CONVBENCH_INSTANCE_H
#define CONVBENCH_INSTANCE_H

#include "indirectconv.h"
#include "probes/arena.h"
#include "worker/layer_data.h"

typedef struct {
    arena *arena;
    ic_allocator allocator; /* its context is this instance: an instance does not move */
    ic_conv2d *conv;
    ic_conv2d_info info;
    float *output;
    void *memory[IC_MEMORY_KINDS]; /* the latest of each kind */
    size_t bytes[IC_MEMORY_KINDS]; /* now taken, by kind */
    size_t wanted;                 /* bytes of the arena for all that was asked for, refused or not */
    uint64_t create_ns, reshape_ns;
} instance;

/* Creates, reshapes, takes the output and fills it with NaN; every buffer is written once. On failure nothing is kept
 * but `wanted`. */
ic_status instance_make(instance *i, arena *a, const layer_shape *l, const layer_data *d, ic_layout layout,
                        ic_algorithm algorithm, const char *schedule, const ic_tuned *tuned, ic_pool *pool);
void instance_free(instance *i, const layer_shape *l);

#endif
