/* SPDX-License-Identifier: Apache-2.0
 * The name of the core that a thread runs on: measurements hold on cores of the same name. */
#ifndef IC_CORE_ID_H
#define IC_CORE_ID_H

#include <stdbool.h>
#include <stdint.h>

#define IC_CORE_ID 96 /* room for it */

/* One word; false where the core doesn't say what it is. */
bool ic_core_id(char id[IC_CORE_ID]);

/* MIDR_EL1 of the core that the thread runs on; 0 where it is not known, or this is no arm64. */
uint64_t ic_midr_here(void);

/* MIDR_EL1 of that CPU as /proc/cpuinfo of arm64 has it in parts; 0 where it is not all there. */
uint64_t ic_midr_of_cpuinfo(const char *text, unsigned cpu);

#endif
