/* SPDX-License-Identifier: Apache-2.0
 * How far an output may lie from the exact one: the tolerance of checks. */
#ifndef IC_ERROR_BOUND_H
#define IC_ERROR_BOUND_H

#include "indirectconv.h"

/* What the bound is a share of. */
typedef enum {
    IC_BOUND_OF_PRODUCTS = 0, /* |bias| + sum |input||weight| */
    IC_BOUND_OF_NORMS,        /* |bias| + max |input| * sum over input channels of the root of the sum of weight^2: what
                                 is rounded spreads over a tile */
    IC_BOUND_OF_LARGEST       /* as of products, but each input counts as the largest one of its channel that any output
                                 of the tile reads: what an output does not read passes through it, and leaves its
                                 rounding there */
} ic_bound_of;

/* The bound of sums of all products in any order, fused or not: gamma(K + 1), of K products. */
double ic_bound_of_products(const ic_conv2d_desc *desc);

/* The same, for an object. */
double ic_bound_of_sums(const ic_conv2d *conv);

#endif
