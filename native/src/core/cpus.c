/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* sched_setaffinity, CPU_SET, sched_getcpu */
#include "core/cpus.h"

#if defined(__APPLE__)

#include <pthread.h>
#include <sys/sysctl.h>

unsigned ic_cpus_end(void) {
    return 0;
}

unsigned ic_cpus_allowed(void) {
    int count = 0;
    size_t size = sizeof count;
    return sysctlbyname("hw.activecpu", &count, &size, NULL, 0) == 0 && count > 0 ? (unsigned)count : 0;
}

bool ic_cpus_pin(unsigned cpu) {
    (void)cpu;
    return false;
}

int ic_cpus_here(void) {
    size_t cpu;
    return pthread_cpu_number_np(&cpu) == 0 ? (int)cpu : -1;
}

#else

#include <sched.h>
#include <stddef.h>

unsigned ic_cpus_end(void) {
    return CPU_SETSIZE;
}

unsigned ic_cpus_allowed(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 0;
}

bool ic_cpus_pin(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

int ic_cpus_here(void) {
    return sched_getcpu();
}

#endif
