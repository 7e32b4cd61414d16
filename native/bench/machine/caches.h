/* SPDX-License-Identifier: Apache-2.0
 * The data caches of a CPU. */
#ifndef CONVBENCH_CACHES_H
#define CONVBENCH_CACHES_H

#include <stdbool.h>
#include <stdint.h>

#define LLC_ASSUMED (UINT64_C(8) << 20)
#define LLC_CAP (UINT64_C(64) << 20)

typedef struct {
    uint64_t l1d, l2, llc; /* bytes, 0: unknown (llc never) */
    bool llc_assumed, llc_capped;
} caches;

caches caches_read(int cpu, uint64_t llc_bytes); /* llc_bytes 0: ask sysfs */

#endif
