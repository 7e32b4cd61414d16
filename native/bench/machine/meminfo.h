/* SPDX-License-Identifier: Apache-2.0
 * Memory that may be taken without the system killing somebody for it. */
#ifndef CONVBENCH_MEMINFO_H
#define CONVBENCH_MEMINFO_H

#include <stdint.h>

/* MemAvailable less a margin (an eighth of it and 64 MiB), in bytes; UINT64_MAX where the system does not tell. */
uint64_t meminfo_free(void);

#endif
