/* SPDX-License-Identifier: Apache-2.0
 * Outputs of a layer in double precision, and what bounds the error of a result: a share of |bias| + sum |a||b|, which
 * depends on the method and the type (ic_conv2d_error_bound); or of norms (ic_conv2d_bounds_norms). */
#ifndef CONVBENCH_REFERENCE_H
#define CONVBENCH_REFERENCE_H

#include "worker/layer_data.h"

#include <stdint.h>

typedef struct {
    size_t *index;             /* into the output; NULL: 0, 1, 2, ... */
    double *value, *magnitude; /* |bias| + sum |a||b| */
    double *norms; /* of each output channel: |bias| + max |input| * sum over input channels of the root of sum b^2 */
    size_t count, channels;
} reference;

#define REFERENCE_SEEDED 4096

/* The border pixels and REFERENCE_SEEDED seeded outputs, or every output. busy() is called now and then. */
bool reference_make(reference *r, const layer_shape *l, const layer_data *d, bool every, void (*busy)(void));
void reference_free(reference *r);
/* Largest |output - value| / (share_allowed * magnitude, or norms): over 1 is wrong; infinite for a NaN. share_allowed
 * 1 without norms: the error itself, as a share of the magnitude. */
double reference_compare(const reference *r, double share_allowed, bool of_norms, const float *output);

uint64_t checksum(const float *values, size_t count); /* of the bits, in order */

#endif
