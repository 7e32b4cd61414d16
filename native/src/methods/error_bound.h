/* SPDX-License-Identifier: Apache-2.0
 * How far an output may lie from the exact one, as a share of |bias| + sum |input||weight|: the tolerance of checks. */
#ifndef IC_ERROR_BOUND_H
#define IC_ERROR_BOUND_H

#include "indirectconv.h"

/* The bound of sums of all products in any order, fused or not: gamma(K + 1), of K products. */
double ic_bound_of_products(const ic_conv2d_desc *desc);

/* The same, for an object. */
double ic_bound_of_sums(const ic_conv2d *conv);

#endif
