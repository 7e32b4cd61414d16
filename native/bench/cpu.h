/* SPDX-License-Identifier: Apache-2.0
 * Facts of the machine and of this program. */
#ifndef CONVBENCH_CPU_H
#define CONVBENCH_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LLC_ASSUMED (UINT64_C(8) << 20)
#define LLC_CAP (UINT64_C(64) << 20)

typedef struct {
    uint64_t l1d, l2, llc; /* bytes, 0: unknown (llc never) */
    bool llc_assumed, llc_capped;
} cpu_caches;

cpu_caches cpu_caches_read(int cpu, uint64_t llc_bytes); /* llc_bytes 0: ask sysfs */
const char *cpu_build_id(void); /* 40 hex digits from this program's own ELF note, or "unknown" */
bool cpu_boot_id(char *text, size_t room);
uint64_t cpu_start_ticks(void); /* field 22 of /proc/self/stat, 0 if unreadable */

#endif
