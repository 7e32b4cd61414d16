/* SPDX-License-Identifier: Apache-2.0
 * The patch matrix of im2col, [output pixel][tap][channel]. */
#ifndef IC_MATRIX_H
#define IC_MATRIX_H

#include "object.h"

/* The patches of output pixels `first` to `first + count` of one image, whose group starts at `input`. */
void ic_fill_matrix(const ic_conv2d *conv, const void *input, size_t first, size_t count, void *matrix);

#endif
