/* SPDX-License-Identifier: Apache-2.0
 * How long a cluster ran at which frequency: cpufreq's stats/time_in_state, lines `kHz ticks`, which only ever grow. */
#ifndef CONVBENCH_RESIDENCY_H
#define CONVBENCH_RESIDENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESIDENCY_STATES 128
#define RESIDENCY_TICK_MS 10 /* whatever the kernel's own ticks are */

typedef struct {
    unsigned count;
    uint64_t khz[RESIDENCY_STATES], ticks[RESIDENCY_STATES];
} residency;

/* false: why it is none. */
bool residency_parse(residency *r, const char *text, char *why, size_t room);
bool residency_read(residency *r, const char *path, char *why, size_t room);
/* The time in between, in `spent`; false: why the two are not of one count. */
bool residency_between(const residency *before, const residency *after, residency *spent, char *why, size_t room);

#endif
