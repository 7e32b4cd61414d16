/* SPDX-License-Identifier: Apache-2.0
 * When the warm-up of a sample ends: after at least two untimed calls, as soon as the clock read after one of them is
 * within 1 % of the reading before, or at the cap. */
#ifndef CONVBENCH_SETTLING_H
#define CONVBENCH_SETTLING_H

#include <stdint.h>

typedef struct {
    unsigned calls; /* so far */
    double mhz;     /* the latest reading; 0: none so far, or none that can be */
} settling;

typedef enum { SETTLING_ON, SETTLING_STEADY, SETTLING_CAPPED } settling_state;

/* After a further call, the clock having been read as ``mhz``, ``elapsed_ns`` after the first call began. */
settling_state settling_after(settling *s, double mhz, uint64_t elapsed_ns, uint64_t cap_ns);

#endif
