/* SPDX-License-Identifier: Apache-2.0
 * Memory that may be taken without the system killing somebody for it, or refusing it. */
#ifndef CONVBENCH_MEMINFO_H
#define CONVBENCH_MEMINFO_H

#include <stdint.h>

/* The least of what is left of MemAvailable, of the process's limits (ulimit -v, -d) and of its control groups' and
 * their parents' (memory.max; memory.limit_in_bytes of version 1), less a margin (an eighth of it and 64 MiB), in
 * bytes; UINT64_MAX where the system tells none of them. */
uint64_t meminfo_free(void);

/* The same, by the files under these folders in the place of /proc and /sys/fs/cgroup. */
uint64_t meminfo_free_by(const char *proc, const char *cgroups);

#endif
