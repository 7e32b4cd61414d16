/* SPDX-License-Identifier: Apache-2.0
 * CPU lists ("0-3,7") and the CPUs that this thread may run on. */
#ifndef CONVBENCH_AFFINITY_H
#define CONVBENCH_AFFINITY_H

#include <stdbool.h>
#include <stddef.h>

#define CPU_LIMIT 1024

typedef struct {
    unsigned long bits[CPU_LIMIT / (8 * sizeof(unsigned long))];
} cpu_set;

bool cpu_set_has(const cpu_set *set, int cpu);
void cpu_set_put(cpu_set *set, int cpu, bool on);
bool cpu_set_empty(const cpu_set *set);
unsigned cpu_set_count(const cpu_set *set);
bool cpu_set_parse(const char *list, cpu_set *set); /* false: not a list, or a CPU over the limit */
void cpu_set_print(const cpu_set *set, char *list, size_t room);

bool affinity_get(cpu_set *set);
bool affinity_of(int pid, cpu_set *set); /* of another process's first thread */
/* Sets and reads back; false (errno says why; 0: the system gave another set) if it does not hold. macOS keeps no
 * thread to CPUs: there it sets the quality of service by which the system chooses among cores, the lowest for CPUs of
 * a slower level of performance than the first (machine/sysctl.h), and nothing is read back. */
bool affinity_set(const cpu_set *set);
/* Whether this thread is kept to the set; true where the system keeps none to any. */
bool affinity_is(const cpu_set *set);
int affinity_here(void);    /* the CPU that this thread runs on; below 0: the system does not tell */
bool affinity_can(int cpu); /* whether this thread could run on the CPU; it stays where it is */

#endif
