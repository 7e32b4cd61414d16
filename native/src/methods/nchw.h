/* SPDX-License-Identifier: Apache-2.0
 * What is asked of objects of ic_method_nchw beyond the method's functions. */
#ifndef IC_NCHW_H
#define IC_NCHW_H

#include "object.h"

/* Fills the matrix of every image and group, one after the other, as run does, on this thread alone. Of a shaped one.
 */
void ic_copy_planes(const ic_conv2d *conv, const void *input);

/* The outer one of the two loops around the kernel; IC_ORDER_BY_RULE before reshape. */
ic_order ic_planes_order(const ic_conv2d *conv);

#endif
