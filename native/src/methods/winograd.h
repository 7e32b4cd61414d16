/* SPDX-License-Identifier: Apache-2.0
 * An object of Winograd's method, and its loops.
 *
 * Points and sums of a block lie by strips, the tiles of outputs that one tile of the micro-kernel takes:
 * [strip][point] [row of the strip][channel]. So what a transform writes or reads lies on few pages, and a tile of the
 * micro-kernel reads and writes one piece of memory. */
#ifndef IC_METHODS_WINOGRAD_H
#define IC_METHODS_WINOGRAD_H

#include "kernels/f32/winograd.h"
#include "object.h"

typedef struct {
    ic_conv2d base;
    const ic_winograd_transforms *transforms;
    size_t kept; /* bytes of the caller's weights, then bias, at the start of `weights`, where the size chooses */
    const float *packed;           /* in `weights`: [group][panel][point], each as panels are; NULL: none */
    unsigned tile, side, points;   /* outputs of a tile in each direction; inputs of its patch; all of a patch */
    size_t columns;                /* of the kernel that the weights are packed for */
    size_t panels, panel_floats;   /* of a group; of one point */
    size_t down, across, tiles;    /* tiles of an image; of all images */
    size_t block;                  /* tiles that pass at once */
    size_t pitch;                  /* floats from tile to tile at a point: the group's inputs, whole lines of them */
    size_t point_bytes, sum_bytes; /* from point to point of a strip, of inputs and of sums */
    bool shares;                   /* threads share a block, instead of having one each */
    char *memory;                  /* points, then sums: of each thread, or points once and sums of each thread */
    size_t shared_bytes, thread_bytes;
} ic_winograd;

void ic_run_winograd(const ic_winograd *w, const void *input, void *output);

static inline size_t ic_ceiling(size_t count, size_t of) {
    return count / of + (count % of != 0);
}

#endif
