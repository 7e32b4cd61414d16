/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/layer_data.h"

#include "wire/prng.h"

#include <stdlib.h>
#include <string.h>

size_t layer_data_bytes(const layer_shape *l) {
    return (l->input_floats + l->weight_floats + l->desc.out_channels) * sizeof(float);
}

bool layer_data_make(const layer_shape *l, layer_data *d) {
    d->input = malloc(l->input_floats * sizeof(float));
    d->weights = malloc(l->weight_floats * sizeof(float));
    d->bias = malloc(l->desc.out_channels * sizeof(float));
    if (!d->input || !d->weights || !d->bias) {
        layer_data_free(d);
        return false;
    }
    uint64_t random = UINT64_C(0xcbf29ce484222325); /* FNV-1a of the name */
    for (const char *c = l->name; *c; c++) {
        random = (random ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    for (size_t i = 0; i < l->input_floats; i++) {
        d->input[i] = prng_float(&random);
    }
    for (size_t i = 0; i < l->weight_floats; i++) {
        d->weights[i] = prng_float(&random);
    }
    for (size_t i = 0; i < l->desc.out_channels; i++) {
        d->bias[i] = prng_float(&random);
    }
    return true;
}

void layer_data_free(layer_data *d) {
    free(d->input);
    free(d->weights);
    free(d->bias);
    memset(d, 0, sizeof *d);
}
