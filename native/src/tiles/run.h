/* SPDX-License-Identifier: Apache-2.0
 * The loops around the micro-kernel. */
#ifndef IC_RUN_H
#define IC_RUN_H

#include "tiles/tiled.h"

void ic_run_tiled(const ic_tiled *tiled, const void *input, void *output);

#endif
