/* SPDX-License-Identifier: Apache-2.0
 * The CPUs of the system that threads may run on, as the system numbers them. */
#ifndef IC_CPUS_H
#define IC_CPUS_H

#include <stdbool.h>

/* Numbers from this one on name no CPU; 0: the system keeps no thread to a CPU (macOS). */
unsigned ic_cpus_end(void);

/* How many the caller may run on; 0: the system does not tell. */
unsigned ic_cpus_allowed(void);

/* Keeps the calling thread to one; false: it is left where it may run now. */
bool ic_cpus_pin(unsigned cpu);

/* That the caller runs on now; below 0: the system does not tell. */
int ic_cpus_here(void);

#endif
