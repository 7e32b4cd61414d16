/* SPDX-License-Identifier: Apache-2.0
 * Outputs of a layer in double precision, and what bounds the error of a result: a share of |bias| + sum |a||b|, which
 * depends on the method and the type (ic_conv2d_error_bound), or of what else it names (ic_conv2d_bound_of). */
#ifndef CONVBENCH_REFERENCE_H
#define CONVBENCH_REFERENCE_H

#include "methods/error_bound.h"
#include "worker/layer_data.h"

#include <stdint.h>

/* `of` other than products is made when it is first asked for: most methods need none. Layer and data must live as
 * long.
 */
typedef struct {
    const layer_shape *layer;
    const layer_data *data;
    size_t *index;             /* into the output; NULL: 0, 1, 2, ... */
    double *value, *magnitude; /* |bias| + sum |a||b| */
    double *norms;   /* of each output channel: |bias| + max |input| * sum over input channels of the root of sum b^2 */
    double *largest; /* [image][output channel]: |bias| + sum of a channel's largest |a| times its |b| */
    double *inputs;  /* room for the largest |a| of each input channel */
    size_t count, channels, image; /* outputs of an image */
    bool has_norms, has_largest;
} reference;

#define REFERENCE_SEEDED 4096

/* The border pixels and REFERENCE_SEEDED seeded outputs, or every output. busy() is called now and then. */
bool reference_make(reference *r, const layer_shape *l, const layer_data *d, bool every, void (*busy)(void));
void reference_free(reference *r);
/* Largest |output - value| / (share_allowed * what `of` tells): over 1 is wrong; infinite for a NaN. share_allowed 1 of
 * products: the error itself, as a share of the magnitude. */
double reference_compare(reference *r, double share_allowed, ic_bound_of of, const float *output);

uint64_t checksum(const float *values, size_t count); /* of the bits, in order */

#endif
