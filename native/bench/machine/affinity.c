/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/affinity.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__APPLE__)
#include "machine/sysctl.h"

#include <pthread.h>
#else
#include <sched.h>
#endif

#define WORD (8 * sizeof(unsigned long))

bool cpu_set_has(const cpu_set *set, int cpu) {
    return cpu >= 0 && cpu < CPU_LIMIT && set->bits[(size_t)cpu / WORD] >> (size_t)cpu % WORD & 1;
}

void cpu_set_put(cpu_set *set, int cpu, bool on) {
    unsigned long bit = 1ul << (size_t)cpu % WORD, *word = &set->bits[(size_t)cpu / WORD];
    *word = on ? *word | bit : *word & ~bit;
}

bool cpu_set_empty(const cpu_set *set) {
    static const cpu_set none;
    return !memcmp(set, &none, sizeof none);
}

unsigned cpu_set_count(const cpu_set *set) {
    unsigned count = 0;
    for (int cpu = 0; cpu < CPU_LIMIT; cpu++) {
        count += cpu_set_has(set, cpu);
    }
    return count;
}

bool cpu_set_parse(const char *list, cpu_set *set) {
    memset(set, 0, sizeof *set);
    while (*list) {
        char *end;
        if (!isdigit((unsigned char)*list)) {
            return false;
        }
        unsigned long first = strtoul(list, &end, 10), last = first;
        if (*end == '-') {
            if (!isdigit((unsigned char)end[1])) {
                return false;
            }
            last = strtoul(end + 1, &end, 10);
        }
        if (last < first || last >= CPU_LIMIT || (*end && (*end != ',' || !end[1]))) {
            return false;
        }
        for (; first <= last; first++) {
            cpu_set_put(set, (int)first, true);
        }
        list = end + (*end == ',');
    }
    return !cpu_set_empty(set);
}

void cpu_set_print(const cpu_set *set, char *list, size_t room) {
    size_t n = 0;
    list[0] = 0;
    for (int cpu = 0; cpu < CPU_LIMIT && n + 16 < room; cpu++) {
        int last = cpu;
        if (!cpu_set_has(set, cpu)) {
            continue;
        }
        while (cpu_set_has(set, last + 1)) {
            last++;
        }
        n += (size_t)snprintf(list + n, room - n, last > cpu ? "%s%d-%d" : "%s%d", n ? "," : "", cpu, last);
        cpu = last;
    }
}

bool affinity_get(cpu_set *set) {
    return affinity_of(0, set);
}

bool affinity_is(const cpu_set *set) {
    cpu_set now;
    return !affinity_get(&now) || !memcmp(set, &now, sizeof now);
}

#if defined(__APPLE__)

bool affinity_of(int pid, cpu_set *set) {
    (void)pid;
    memset(set, 0, sizeof *set);
    return false;
}

bool affinity_set(const cpu_set *set) {
    bool is_slow = !cpu_set_empty(set);
    for (int cpu = 0; cpu < CPU_LIMIT; cpu++) {
        is_slow = is_slow && (!cpu_set_has(set, cpu) || sysctl_level_of((unsigned)cpu) > 0);
    }
    errno = pthread_set_qos_class_self_np(is_slow ? QOS_CLASS_BACKGROUND : QOS_CLASS_USER_INTERACTIVE, 0);
    return errno == 0;
}

int affinity_here(void) {
    return -1; /* the numbers that it has are none that we know the place of */
}

#else

bool affinity_of(int pid, cpu_set *set) {
    cpu_set_t system;
    CPU_ZERO(&system);
    memset(set, 0, sizeof *set);
    if (sched_getaffinity(pid, sizeof system, &system)) {
        return false;
    }
    for (unsigned cpu = 0; cpu < CPU_LIMIT; cpu++) {
        if (CPU_ISSET(cpu, &system)) {
            cpu_set_put(set, (int)cpu, true);
        }
    }
    return true;
}

bool affinity_set(const cpu_set *set) {
    cpu_set_t system;
    cpu_set now;
    CPU_ZERO(&system);
    for (unsigned cpu = 0; cpu < CPU_LIMIT; cpu++) {
        if (cpu_set_has(set, (int)cpu)) {
            CPU_SET(cpu, &system);
        }
    }
    if (sched_setaffinity(0, sizeof system, &system) || !affinity_get(&now)) {
        return false;
    }
    errno = 0;
    return !memcmp(set, &now, sizeof now);
}

int affinity_here(void) {
    return sched_getcpu();
}

#endif

bool affinity_can(int cpu) {
    cpu_set before, only = {{0}};
    if (!affinity_get(&before)) {
        return true; /* nothing is known */
    }
    cpu_set_put(&only, cpu, true);
    bool can = affinity_set(&only);
    affinity_set(&before);
    return can;
}
