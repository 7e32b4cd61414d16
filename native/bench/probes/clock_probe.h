/* SPDX-License-Identifier: Apache-2.0
 * The core's clock, from chains of dependent instructions whose latency is known. */
#ifndef CONVBENCH_CLOCK_PROBE_H
#define CONVBENCH_CLOCK_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    double mhz;        /* from register-register adds, 1 cycle each */
    double second_mhz; /* from the second chain */
} clock_reading;

clock_reading clock_probe(void);       /* about 0.7 ms */
clock_reading clock_probe_short(void); /* a quarter of that */
/* False with a reason when the reading contradicts itself or max_khz (0: unknown). */
bool clock_believable(clock_reading reading, uint64_t max_khz, char *reason, size_t room);

#endif
