/* SPDX-License-Identifier: Apache-2.0
 * A library of one function, and the three that make a worker of it:
 *
 *     cc -O2 -o example example.c shim.c -lm
 *     harness run --worker example=./example */
#include "shim.h"

#include <stdlib.h>

/* The library: as the definition has it. */
static void convolve(const shim_layer *l, const float *input, const float *weights, const float *bias, float *output) {
    const size_t depth = l->in_channels / l->groups, group = l->out_channels / l->groups;
    const size_t pixels = l->batch * l->out_height * l->out_width;
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        const size_t x = pixel % l->out_width, y = pixel / l->out_width % l->out_height;
        const float *image = input + pixel / l->out_width / l->out_height * l->height * l->width * l->in_channels;
        for (size_t channel = 0; channel < l->out_channels; channel++) {
            float sum = bias[channel];
            for (size_t ky = 0; ky < l->kernel_height; ky++) {
                for (size_t kx = 0; kx < l->kernel_width; kx++) {
                    /* Unsigned: what lies before the first row or column is as far outside as behind the last. */
                    const size_t iy = y * l->stride_height + ky * l->dilation_height - l->pad_top;
                    const size_t ix = x * l->stride_width + kx * l->dilation_width - l->pad_left;
                    if (iy >= l->height || ix >= l->width) {
                        continue;
                    }
                    const float *a = image + (iy * l->width + ix) * l->in_channels + channel / group * depth;
                    const float *b = weights + ((channel * l->kernel_height + ky) * l->kernel_width + kx) * depth;
                    for (size_t i = 0; i < depth; i++) {
                        sum += a[i] * b[i];
                    }
                }
            }
            sum = sum < l->output_min ? l->output_min : sum;
            output[pixel * l->out_channels + channel] = sum > l->output_max ? l->output_max : sum;
        }
    }
}

typedef struct {
    shim_layer layer;
    shim_tensors tensors;
} object;

static const char *create(const shim_layer *layer, const shim_tensors *tensors, void **made) {
    if (layer->batch > 16) {
        return "batches over 16 are not covered";
    }
    object *o = malloc(sizeof *o);
    if (!o) {
        return "out of memory";
    }
    o->layer = *layer;
    o->tensors = *tensors;
    *made = o;
    return NULL;
}

static const char *run(void *made) {
    const object *o = made;
    convolve(&o->layer, o->tensors.input, o->tensors.weights, o->tensors.bias, o->tensors.output);
    return NULL;
}

static void destroy(void *made) {
    free(made);
}

int main(int argc, char **argv) {
    const shim_functions functions = {.create = create, .run = run, .destroy = destroy};
    return shim_main(argc, argv, &functions);
}
