/* SPDX-License-Identifier: Apache-2.0
 * Outputs of a layer in double precision, and how far a f32 result may lie from them: gamma(K + 1) * (|bias| +
 * sum |a||b|) with gamma(n) = n u / (1 - n u), u = 2^-24, for any order of the K products, fused or not. */
#ifndef CONVBENCH_REFERENCE_H
#define CONVBENCH_REFERENCE_H

#include "layer.h"

#include <stdint.h>

typedef struct {
    size_t *index; /* into the output; NULL: 0, 1, 2, ... */
    double *value, *bound;
    size_t count;
} reference;

#define REFERENCE_SEEDED 4096

/* The border pixels and REFERENCE_SEEDED seeded outputs, or every output. busy() is called now and then. */
bool reference_make(reference *r, const layer_shape *l, const layer_data *d, bool every, void (*busy)(void));
void reference_free(reference *r);
/* Largest |output - value| / bound: over 1 is wrong; infinite for a NaN. */
double reference_compare(const reference *r, const float *output);

uint64_t checksum(const float *values, size_t count); /* of the bits, in order */

#endif
