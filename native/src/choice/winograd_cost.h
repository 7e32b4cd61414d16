/* SPDX-License-Identifier: Apache-2.0
 * Winograd's tile for a layer, by its cost and by the error that the caller allows. */
#ifndef IC_WINOGRAD_COST_H
#define IC_WINOGRAD_COST_H

#include "core/core.h"
#include "core/geometry.h"
#include "kernels/kernel.h"

/* The largest tile whose error the caller allows (ic_options.allowed_error); 0: none. */
unsigned ic_winograd_allowed(double allowed_error);

/* The tile up to `most` that takes the fewest cycles. `is_free`: 0 where sums of products take about as few. */
unsigned ic_choose_winograd(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                            const ic_kernel *kernel, unsigned most, bool is_free);

#endif
