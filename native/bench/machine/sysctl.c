/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/sysctl.h"

#if defined(__APPLE__)

#include <stdio.h>
#include <string.h>
#include <sys/sysctl.h>

uint64_t sysctl_number(const char *format, unsigned level) {
    char name[64];
    unsigned char bytes[sizeof(uint64_t)] = {0}; /* numbers of 32 or of 64 bits, the least byte first */
    size_t size = sizeof bytes;
    uint64_t value = 0;
    snprintf(name, sizeof name, format, level);
    if (sysctlbyname(name, bytes, &size, NULL, 0) == 0) {
        memcpy(&value, bytes, sizeof value);
    }
    return value;
}

unsigned sysctl_level_of(unsigned cpu) {
    const uint64_t levels = sysctl_number("hw.nperflevels", 0);
    uint64_t end = 0;
    for (unsigned level = levels > 0 && levels < 8 ? (unsigned)levels : 1; level-- > 1;) {
        end += sysctl_number("hw.perflevel%u.logicalcpu", level);
        if (cpu < end) {
            return level;
        }
    }
    return 0;
}

#else

typedef int nothing_of_other_systems;

#endif
