/* SPDX-License-Identifier: Apache-2.0
 * A convolution of the plan, and its data. */
#ifndef CONVBENCH_LAYER_H
#define CONVBENCH_LAYER_H

#include "fields.h"
#include "indirectconv.h"

#include <stdbool.h>
#include <stddef.h>

#define LAYER_NAME 96 /* room for a name, with its end */
#define LAYER_LINE 1024

typedef struct {
    char name[LAYER_NAME];
    ic_conv2d_desc desc;
    size_t batch, height, width;
    size_t out_height, out_width;
    size_t input_floats, output_floats, weight_floats;
    double macs;
} layer_shape;

/* Reads a `layer` line (without fields_end), checks it and derives the rest; faults stick in f->error. */
void layer_parse(fields *f, layer_shape *l);
/* The same line again. Returns line. */
char *layer_print(const layer_shape *l, char line[LAYER_LINE]);
double layer_clamp(float side); /* of the clamp, as plans and dumps have it: no -0 */

typedef struct {
    float *input, *weights, *bias; /* U(-1, 1), seeded by the layer's name */
} layer_data;

size_t layer_data_bytes(const layer_shape *l);
bool layer_data_make(const layer_shape *l, layer_data *d);
void layer_data_free(layer_data *d);

#endif
