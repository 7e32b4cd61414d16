/* SPDX-License-Identifier: Apache-2.0
 * `convbench probe`: how fast the CPU is. Both return an exit code. */
#ifndef CONVBENCH_PROBE_H
#define CONVBENCH_PROBE_H

#include <stddef.h>

int probe_print(void); /* clock and FMA peak of the CPU that it happens to run on */
/* The time of copying total_bytes out of source_bytes; cpu below 0: wherever it happens to run. */
int probe_print_memcpy(size_t source_bytes, size_t total_bytes, int cpu);

#endif
