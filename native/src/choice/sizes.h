/* SPDX-License-Identifier: Apache-2.0
 * How much a convolution reads, multiplies and writes: what its schedule is chosen by. */
#ifndef IC_SIZES_H
#define IC_SIZES_H

#include "core/geometry.h"
#include "kernels/kernel.h"

typedef struct {
    size_t element;         /* bytes of one */
    size_t inputs, outputs; /* channels of a group */
    size_t depth;           /* products of an output */
    size_t pixels;          /* of the output */
    size_t image;           /* bytes of the input, of a group */
    size_t matrix;          /* bytes of im2col's matrix, of a group; SIZE_MAX where that is no array */
    size_t most_extra;      /* bytes that pointers or matrix may take: of a matrix that holds all groups */
    bool is_in_place;       /* the input is the matrix */
    bool splits;            /* regions differ from what is published */
} ic_sizes;

/* Images that im2col and direct tile together: all of a batch where the input is the matrix, in which they follow one
 * another like rows; else one, whose matrix is made and used up before the next one's. */
static inline size_t ic_images_together(const ic_conv2d_desc *desc, const ic_geometry *geometry) {
    return ic_reads_in_place(desc) ? geometry->batch : 1;
}

/* Of `images` images that are tiled together. */
ic_sizes ic_sizes_of(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t images);

/* Bytes that all tiles read between them, once: of pixels that share their taps, or of the matrix. */
static inline size_t ic_read_bytes(const ic_sizes *sizes) {
    return sizes->image < sizes->matrix ? sizes->image : sizes->matrix;
}

static inline size_t ic_tiles_of(size_t pixels, const ic_kernel *kernel) {
    return pixels / kernel->rows + (pixels % kernel->rows != 0);
}

static inline size_t ic_panels_of(size_t outputs, const ic_kernel *kernel) {
    return outputs / kernel->columns + (outputs % kernel->columns != 0);
}

/* Bytes of one panel's weights. */
static inline size_t ic_panel_bytes(const ic_sizes *sizes, const ic_kernel *kernel) {
    return kernel->columns * sizes->depth * sizes->element;
}

#endif
