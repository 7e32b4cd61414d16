/* SPDX-License-Identifier: Apache-2.0
 * A convbench worker out of three functions (docs/workers.md). Write them, call shim_main, compile with shim.c:
 *
 *     cc -O2 -o mine mine.c shim.c -lm
 *
 * The shim speaks the protocol, places the tensors, settles, times and tells the evidence. It needs Linux or Android,
 * and nothing else of this project. */
#ifndef CONVBENCH_SHIM_H
#define CONVBENCH_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A convolution of f32. Channels are totals over the groups. */
typedef struct {
    const char *name;
    const char *algorithm; /* what the worker's rows are called: one program may have several names */
    size_t batch, height, width, in_channels; /* of the input, NHWC */
    size_t out_height, out_width, out_channels;
    size_t kernel_height, kernel_width;
    size_t pad_top, pad_right, pad_bottom, pad_left;
    size_t stride_height, stride_width, dilation_height, dilation_width;
    size_t groups;
    float output_min, output_max; /* -INFINITY, INFINITY: no clamp */
    size_t threads; /* that are to share a run, the caller's among them; 1 but where it is asked for more */
} shim_layer;

/* Where they lie; aligned to 64 bytes, and no more. They stay there until the object is destroyed. */
typedef struct {
    const float *input;   /* [batch][height][width][in_channels] */
    const float *weights; /* [out_channels][kernel_height][kernel_width][in_channels / groups] */
    const float *bias;    /* [out_channels] */
    float *output;        /* [batch][out_height][out_width][out_channels] */
} shim_tensors;

/* What the library keeps for an object, in bytes, beside the tensors; and how it computes, for the records: up to 63
 * characters without a space, or NULL. */
typedef struct {
    size_t weights_bytes; /* packed or transformed weights */
    size_t pointer_bytes; /* an indirection buffer */
    size_t matrix_bytes;  /* what a run works in: im2col's matrix, transformed tiles */
    size_t object_bytes;  /* all else */
    const char *kernel;
} shim_told;

typedef struct {
    /* Whatever may be done once: packs weights, allocates, chooses. NULL, and the object; or the reason why the layer
     * is not covered, with which it is skipped; or shim_failed(what went wrong). Called for each sample anew. */
    const char *(*create)(const shim_layer *layer, const shim_tensors *tensors, void **object);
    /* What is timed: computes the whole output. NULL, or what went wrong. It allocates nothing and prints nothing. */
    const char *(*run)(void *object);
    void (*destroy)(void *object);
    /* These two may be left out. `tell` is asked once after create. */
    void (*tell)(void *object, shim_told *told);
    /* For a library that leaves its output in a layout of its own: what the last run left, in the order of
     * shim_tensors. Called when the output is judged, never timed. */
    void (*read)(void *object, float *output);
} shim_functions;

/* For create to return: an error with these words (their first 255 bytes are kept), not a layer that is not covered. */
const char *shim_failed(const char *what);

/* What main does. Returns its exit status: 0 when convbench hung up, 2 where it was not convbench that started it. */
int shim_main(int argc, char **argv, const shim_functions *functions);

#ifdef __cplusplus
}
#endif

#endif
