/* SPDX-License-Identifier: Apache-2.0
 * The ways through the library that every kernel is tested on. */
#ifndef IC_PATHS_H
#define IC_PATHS_H

#include "check.h"

/* Every algorithm with every option that it knows, on one thread and on several. */
typedef struct {
    ic_algorithm algorithm;
    const char *options; /* of the schedule */
    unsigned threads;
    ic_layout layout; /* input and output are brought there and back */
} path;

extern const path paths[], published_path, planes_path, naive_paths[2]; /* naive on either layout */
extern const size_t path_count;

/* The plain paths and regions take every shape; the others, which only change the order of work, a fifth each. */
bool is_left_out(size_t p, unsigned shape_index);

typedef struct {
    float *weights, *bias, *input, *output;
    placement place;
} tensors;

tensors new_tensors(const shape *s, values kind, placement place, uint64_t seed); /* the input read-only */
void free_tensors(const shape *s, tensors t);

/* Of so many threads, up to 3, kept for the whole program; NULL: the caller's alone. */
ic_pool *pool_of(unsigned threads);

/* Into t->output; false where the path doesn't cover the shape. address may be NULL: the micro-kernel's. */
bool convolve(const shape *s, const char *kernel, const path *p, const tensors *t, bool with_bias,
              const ic_allocator *allocator, const void **address);

#endif
