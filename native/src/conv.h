/* SPDX-License-Identifier: Apache-2.0
 * The object, and the parts that its life cycle calls. */
#ifndef IC_CONV_H
#define IC_CONV_H

#include "geometry.h"
#include "indirectconv.h"
#include "kernels/kernel.h"

#include <stdbool.h>

struct ic_conv2d {
    ic_conv2d_desc desc;
    ic_algorithm algorithm;
    ic_allocator allocator;
    const ic_kernel *kernel; /* NULL for naive */
    ic_geometry geometry;    /* valid when is_shaped */
    bool is_shaped;
    float *weights;   /* packed for the kernel; for naive OHWI, then bias */
    float *padding;   /* zeros for one tap of one group; NULL unless indirect with padding */
    int64_t *offsets; /* indirect: [tile][tap][row], for one image and group 0 */
    float *matrix;    /* im2col: [output pixel][tap][channel], for one image and one group */
    size_t bytes[IC_MEMORY_KINDS];
};

/* Size in bytes of packed weights; false on overflow. */
bool ic_packed_weights_size(const ic_conv2d *conv, size_t *bytes);
/* Floats of one packed panel. */
size_t ic_panel_floats(const ic_conv2d *conv);
void ic_pack_weights(ic_conv2d *conv, const float *weights, const float *bias);

bool ic_indirection_size(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t *bytes);
void ic_fill_indirection(ic_conv2d *conv);

bool ic_matrix_size(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t *bytes);
/* One image and group: patches of `input`, which points at the group's first channel. */
void ic_fill_matrix(const ic_conv2d *conv, const float *input);

void ic_run_naive(const ic_conv2d *conv, const float *input, float *output);
void ic_run_indirect(const ic_conv2d *conv, const float *input, float *output);
void ic_run_im2col(const ic_conv2d *conv, const float *input, float *output);
/* Direct, and im2col where the input is the matrix. */
void ic_run_in_place(const ic_conv2d *conv, const float *input, float *output);

#endif
