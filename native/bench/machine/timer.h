/* SPDX-License-Identifier: Apache-2.0
 * The clock that samples are timed with: CLOCK_MONOTONIC, which Linux reads in user space (CNTVCT on arm64). */
#ifndef CONVBENCH_TIMER_H
#define CONVBENCH_TIMER_H

#include <stdint.h>
#include <time.h>

static inline uint64_t timer_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

typedef struct {
    const char *name;
    double tick_ns; /* the smallest step seen; on arm64 no less than 1 / CNTFRQ */
    double cost_ns; /* of one reading */
} timer_info;

timer_info timer_measure(void);

#endif
