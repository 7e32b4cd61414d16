/* SPDX-License-Identifier: Apache-2.0
 * The patch matrix of im2col on planes of channels, [product][pixel], as the micro-kernel reads its columns: in panels
 * of as many pixels as it has columns, [panel][begin, one, products][column]. What sums begin with is -0; the row of
 * ones is that of the bias; products go by kernel row, kernel column and channel. f32 of one image and group. */
#ifndef IC_PLANES_H
#define IC_PLANES_H

#include "tiles/span.h"

typedef struct {
    ic_axis rows, columns_of_row; /* where a 1x1 reads all pixels in order, a plane is one row */
    size_t pixels, columns;       /* of the output; of a panel */
    size_t panels, panel;         /* how many; floats of one */
    size_t taps, kernel_width, channels;
} ic_planes;

ic_planes ic_planes_of(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t columns);

/* False on overflow. */
bool ic_planes_matrix_size(const ic_planes *planes, size_t *bytes);

/* Writes what no input changes: the first two rows of each panel, and zeros behind the last pixel. */
void ic_begin_planes_matrix(const ic_planes *planes, float *matrix);

/* The matrix is filled in so many parts: some channels of one tap in one panel. */
size_t ic_planes_parts(const ic_planes *planes);
void ic_fill_planes_part(const ic_planes *planes, const float *input, size_t part, float *matrix);

#endif
