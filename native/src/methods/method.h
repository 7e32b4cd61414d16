/* SPDX-License-Identifier: Apache-2.0
 * A method: one way to compute a convolution, in a file of its own. The first one of the table that covers what is
 * asked for makes the object. */
#ifndef IC_METHOD_H
#define IC_METHOD_H

#include "methods/error_bound.h"
#include "object.h"

typedef struct ic_method {
    const char *name;
    size_t object_bytes; /* of its objects, which begin with an ic_conv2d */
    /* Of an object that has description, chooser and schedule alone. */
    bool (*covers)(const ic_conv2d *conv);
    /* Takes and fills the weights. */
    ic_status (*pack)(ic_conv2d *conv, const void *weights, const void *bias);
    /* Takes all else that run needs, for the object's geometry; completes algorithm and schedule. */
    ic_status (*shape)(ic_conv2d *conv);
    void (*run)(const ic_conv2d *conv, const void *input, void *output);
    /* Gives back what shape took, also where it failed half way. */
    void (*release)(ic_conv2d *conv);
    /* How far an output may lie from the exact one, as a share of what `bound_of` tells. */
    double (*error_bound)(const ic_conv2d *conv);
    ic_bound_of bound_of;
} ic_method;

extern const ic_method ic_method_naive, ic_method_depthwise, ic_method_tiled, ic_method_nchw;
extern const ic_method ic_method_fft, ic_method_winograd;

/* NULL where none covers it. */
const ic_method *ic_method_for(const ic_conv2d *conv);

#endif
