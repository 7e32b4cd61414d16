/* SPDX-License-Identifier: Apache-2.0
 * MIDR_EL1 of arm64, MIDR of 32-bit Arm: which core it is. */
#ifndef IC_MIDR_H
#define IC_MIDR_H

#include <stdint.h>

/* Of the core that the thread runs on; 0 where it is not known, or this is no Arm. */
uint64_t ic_midr_here(void);

/* Of that CPU as /proc/cpuinfo of an Arm system has it in parts; 0 where it is not all there. */
uint64_t ic_midr_of_cpuinfo(const char *text, unsigned cpu);

#endif
