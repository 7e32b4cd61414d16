/* SPDX-License-Identifier: Apache-2.0
 * The loops around the micro-kernel. */
#ifndef IC_RUN_H
#define IC_RUN_H

#include "tiles/tiled.h"

/* Tiles of a piece of work at most: of a block, or what one of several threads takes of `panels` panels. */
size_t ic_tiles_at_once(const ic_tiled *tiled, size_t panels);

void ic_run_tiled(const ic_tiled *tiled, const void *input, void *output);

#endif
