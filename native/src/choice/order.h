/* SPDX-License-Identifier: Apache-2.0
 * The order of the two loops around the micro-kernel, over tiles of pixels and over panels of output channels, where a
 * schedule has neither regions nor blocks: so of everything that runs as published. */
#ifndef IC_ORDER_H
#define IC_ORDER_H

#include "core/core.h"
#include "core/geometry.h"
#include "kernels/kernel.h"

typedef enum {
    IC_ORDER_BY_RULE, /* one of the others, by ic_order_by_rule */
    IC_ORDER_PANELS,  /* all pixels pass one panel, then all pass the next: the input is read once for each panel */
    IC_ORDER_PIXELS   /* a tile of pixels passes all panels, then the next tile does: the weights are read once for each
                         tile. QNNPACK's order, and XNNPACK's until 2025 (docs/loop-order.md) */
} ic_order;

/* The order in which im2col brings fewer bytes from beyond the L2 cache, from the sizes of its matrix, of the weights
 * and of the caches alone; bytes from beyond the L3 cache count more. All algorithms run in it, so that the baseline is
 * not slowed by an order that suits another one. */
ic_order ic_order_by_rule(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                          const ic_kernel *kernel);

#endif
