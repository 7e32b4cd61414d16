/* SPDX-License-Identifier: Apache-2.0
 * A convolution of the plan. Its keys in plan and protocol stand in layer_keys.inc.h. */
#ifndef CONVBENCH_LAYER_H
#define CONVBENCH_LAYER_H

#include "indirectconv.h"
#include "wire/fields.h"

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

#endif
