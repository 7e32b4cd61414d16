/* SPDX-License-Identifier: Apache-2.0
 * Outputs of a layer in double precision, and what bounds the error of a result: a share of |bias| + sum |a||b|, which
 * depends on the method and the type (ic_conv2d_error_bound). Methods that add and subtract inputs before they multiply
 * are judged by the largest input of a channel in place of each (ic_conv2d_bounds_largest). */
#ifndef CONVBENCH_REFERENCE_H
#define CONVBENCH_REFERENCE_H

#include "worker/layer_data.h"

#include <stdint.h>

typedef struct {
    size_t *index;                 /* into the output; NULL: 0, 1, 2, ... */
    double *value, *magnitude;     /* |bias| + sum |a||b| */
    double *largest;               /* [batch][output channel]: |bias| + sum of a channel's largest |a| times its |b| */
    size_t count, channels, image; /* of `largest`; outputs of an image */
} reference;

#define REFERENCE_SEEDED 4096

/* The border pixels and REFERENCE_SEEDED seeded outputs, or every output. busy() is called now and then. */
bool reference_make(reference *r, const layer_shape *l, const layer_data *d, bool every, void (*busy)(void));
void reference_free(reference *r);
/* How far a result is off, at most; infinite for a NaN. */
typedef struct {
    double over_bound; /* |output - value| / (share_allowed * magnitude), or with `by_largest` that: over 1 is wrong */
    double relative;   /* |output - value| / magnitude */
} reference_error;

reference_error reference_compare(const reference *r, double share_allowed, bool by_largest, const float *output);

uint64_t checksum(const float *values, size_t count); /* of the bits, in order */

#endif
