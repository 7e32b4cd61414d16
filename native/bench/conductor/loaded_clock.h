/* SPDX-License-Identifier: Apache-2.0
 * The measured CPU's clock under load, while no worker runs: a process of its own loads the CPU until the governor has
 * answered, and reads the clock. */
#ifndef CONVBENCH_LOADED_CLOCK_H
#define CONVBENCH_LOADED_CLOCK_H

#include "wire/plan.h"

typedef struct {
    double mhz;         /* NaN: none that can be believed */
    const char *source; /* "probe"; "cpufreq": what the system says, where the probe is not believed; "": none */
} loaded_clock;

loaded_clock loaded_clock_read(const plan *p); /* takes 0.15 to 0.6 s; less on stop_now() */

#endif
