/* SPDX-License-Identifier: Apache-2.0
 * What can be chosen for a layer, for measuring. */
#ifndef IC_CANDIDATES_H
#define IC_CANDIDATES_H

#include "choice/tuned.h"
#include "core/core.h"

enum { IC_MOST_CANDIDATES = 256 };

/* Algorithms and schedules that differ in what they do on this layer, each supported kernel's together, in the table's
 * order; how many. */
unsigned ic_candidates(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned threads,
                       ic_tuned_choice choices[IC_MOST_CANDIDATES]);

#endif
