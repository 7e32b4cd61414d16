/* SPDX-License-Identifier: Apache-2.0
 * The most FLOP per cycle that this core does: vector FMAs without loads. */
#ifndef CONVBENCH_PEAK_PROBE_H
#define CONVBENCH_PEAK_PROBE_H

#include "indirectconv.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *isa;
    bool ok; /* the clock is believed and FMAs per cycle are within 5 % of a whole number */
    double flop_per_cycle, fmas_per_cycle, gflops;
    char reason[160];
} peak_result;

peak_result peak_probe(ic_type type, uint64_t max_khz);
/* What the core does right now, in f32 vectors of 128 bits: the fastest of three turns of 12 us each. On a core that is
 * shared with another thread, or slowed by the system, it is less than its best, whatever the clock. */
double peak_gflops_now(void);

#endif
