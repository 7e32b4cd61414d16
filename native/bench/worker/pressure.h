/* SPDX-License-Identifier: Apache-2.0
 * What presses on the core and its caches from outside, seen right before and after a window: how much it does beside
 * what it can. Nothing of it depends on the variant. */
#ifndef CONVBENCH_PRESSURE_H
#define CONVBENCH_PRESSURE_H

#include "probes/read_probe.h"

#include <stdbool.h>

typedef struct {
    read_probe read;
    bool opened;
} pressure;

/* From here on it also reads memory: layers that the L2 cache does not hold, and every one in rotate. most: bytes. */
void pressure_read(pressure *p, uint64_t llc, size_t most);
void pressure_take(pressure *p, bool reads, double *gflops, double *gbps); /* gbps: -1 where it does not read */

#endif
