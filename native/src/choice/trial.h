/* SPDX-License-Identifier: Apache-2.0
 * A layer on which algorithms and schedules are tried, one visit at a time. An object lives for one visit only: it is
 * placed anew for each, and all of them need no more memory than the largest. */
#ifndef IC_TRIAL_H
#define IC_TRIAL_H

#include "choice/sizes.h"
#include "core/geometry.h"

typedef struct {
    const ic_conv2d_desc *desc;
    ic_geometry geometry;
    ic_allocator allocator; /* of the tensors and of all objects */
    ic_pool *pool;
    void *weights, *input, *output;
    size_t weight_bytes, input_bytes, output_bytes;
    size_t most_extra; /* bytes of pointers or matrix that an object may have: see sizes.h */
} ic_trial;

/* Without tensors. */
ic_trial ic_make_trial(const ic_conv2d_desc *desc, const ic_geometry *geometry, const ic_allocator *allocator,
                       ic_pool *pool);
/* IC_OUT_OF_MEMORY with nothing taken. */
ic_status ic_take_tensors(ic_trial *t);
void ic_give_back_tensors(ic_trial *t);

/* Makes an object, and what it tells of itself. */
ic_status ic_try_object(const ic_trial *t, ic_algorithm algorithm, const char *schedule, ic_conv2d **conv,
                        ic_conv2d_info *info);

/* Median of the calls in about `slice` ns; of the first ones alone where they are over `hopeless` (if not 0). 0 with
 * IC_OK: needs too much memory. `is_any`: however much it needs, and IC_OUT_OF_MEMORY where there is not so much. */
ic_status ic_try_calls(const ic_trial *t, ic_algorithm algorithm, const char *schedule, bool is_any, double slice,
                       double hopeless, double *ns);

double ic_now_ns(void);
/* Sorts them. */
double ic_median(double *values, size_t count);

#endif
