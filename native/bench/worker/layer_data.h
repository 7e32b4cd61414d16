/* SPDX-License-Identifier: Apache-2.0
 * The data of a layer. */
#ifndef CONVBENCH_LAYER_DATA_H
#define CONVBENCH_LAYER_DATA_H

#include "wire/layer.h"

typedef struct {
    float *input, *weights, *bias; /* U(-1, 1), seeded by the layer's name */
} layer_data;

size_t layer_data_bytes(const layer_shape *l);
bool layer_data_make(const layer_shape *l, layer_data *d);
void layer_data_free(layer_data *d);

#endif
