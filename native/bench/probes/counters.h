/* SPDX-License-Identifier: Apache-2.0
 * Hardware counters of the calling thread, in user mode: cycles, instructions and cache refills, one group of
 * perf_event_open(2), read before and after. They are evidence beside a sample; nothing is computed from them. A phone
 * forbids them unless `adb shell setprop security.perf_harden 0` was said. */
#ifndef CONVBENCH_COUNTERS_H
#define CONVBENCH_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum {
#define COUNTER_ERROR(name, word) COUNTER_##name,
#include "wire/counter_errors.inc.h"
#undef COUNTER_ERROR
} counter_error;

enum { COUNTER_CYCLES, COUNTER_INSTRUCTIONS, COUNTER_REFILLS, COUNTER_EVENTS };

/* What is asked of the system; the tests put another one in its place. open and enable: below 0, and errno says why. */
struct perf_event_attr;
typedef struct {
    int (*open)(struct perf_event_attr *event, int group);
    int (*enable)(int fd);
    ssize_t (*read)(int fd, void *into, size_t room);
    int (*close)(int fd);
    const char *devices; /* the folder of PMUs */
} counter_system;

extern const counter_system COUNTER_SYSTEM;

typedef struct {
    const counter_system *system;
    counter_error error; /* COUNTER_OK: they count */
    int fd[COUNTER_EVENTS];
    unsigned place[COUNTER_EVENTS]; /* in a reading of the group */
    unsigned open;                  /* how many; refills may be missing */
    char pmu[64];                   /* its name; empty: a generic event was asked for */
    char reason[200];               /* of the error, or of what is missing */
} counters;

typedef struct {
    counter_error error;
    uint64_t enabled_ns, running_ns, value[COUNTER_EVENTS];
} counter_reading;

typedef struct {
    counter_error error;
    double value[COUNTER_EVENTS]; /* -1: not counted */
} counter_counts;

const char *counter_word(counter_error error);
/* The calling thread has to be pinned to cpu: of several PMUs that one is taken which has it. */
void counters_open(counters *c, const counter_system *system, int cpu);
void counters_close(counters *c);
counter_reading counters_read(const counters *c);
/* What was counted in between; pure. */
counter_counts counters_between(const counters *c, const counter_reading *before, const counter_reading *after);

#endif
