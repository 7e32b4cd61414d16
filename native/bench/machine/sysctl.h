/* SPDX-License-Identifier: Apache-2.0
 * What macOS tells of its machine by name. */
#ifndef CONVBENCH_SYSCTL_H
#define CONVBENCH_SYSCTL_H

#include <stdint.h>

/* `format` may have one %u for `level`; 0 where the system does not tell. */
uint64_t sysctl_number(const char *format, unsigned level);

/* The level of performance of a CPU, 0 the fastest. Its numbers are ours (the system has none that mean a place): they
 * count the CPUs of the slowest level first, as the host's do. */
unsigned sysctl_level_of(unsigned cpu);

#endif
