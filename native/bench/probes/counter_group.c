/* SPDX-License-Identifier: Apache-2.0 */
#include "probes/counters.h"

#include "machine/affinity.h"
#include "machine/sysfile.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define PARANOID "/proc/sys/kernel/perf_event_paranoid"

static int system_open(struct perf_event_attr *event, int group) {
    return (int)syscall(SYS_perf_event_open, event, 0, -1, group, PERF_FLAG_FD_CLOEXEC);
}

static int system_enable(int fd) {
    return ioctl(fd, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
}

const counter_system COUNTER_SYSTEM = {system_open, system_enable, read, close, "/sys/bus/event_source/devices"};

static counter_error kind_of(int number) {
    switch (number) {
    case EACCES:
    case EPERM:
        return COUNTER_FORBIDDEN;
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
        return COUNTER_ABSENT;
    case ENOSYS:
        return COUNTER_UNSUPPORTED;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
        return COUNTER_EXHAUSTED;
    case EBUSY:
        return COUNTER_BUSY;
    default:
        return COUNTER_REFUSED;
    }
}

/* The PMU of the cores that cpu is one of: its folder has a list `cpus`, as those of interconnects have not. */
static bool pmu_of(const char *devices, int cpu, char *name, size_t room, unsigned *type) {
    DIR *folder = opendir(devices);
    bool found = false;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        char path[512], text[256];
        cpu_set cpus;
        snprintf(path, sizeof path, "%s/%.200s/cpus", devices, entry->d_name);
        if (entry->d_name[0] == '.' || !sysfile_text(path, text, sizeof text) || !cpu_set_parse(text, &cpus) ||
            !cpu_set_has(&cpus, cpu)) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%.200s/type", devices, entry->d_name);
        char *end = text;
        found = sysfile_text(path, text, sizeof text);
        unsigned long number = found ? strtoul(text, &end, 10) : 0;
        found = found && end != text && !*end && number && number <= UINT32_MAX;
        if (found) {
            *type = (unsigned)number;
            snprintf(name, room, "%.63s", entry->d_name);
        }
    }
    if (folder) {
        closedir(folder);
    }
    return found;
}

static struct perf_event_attr event_of(unsigned which, bool has_pmu, unsigned type) {
    static const uint64_t generic[] = {PERF_COUNT_HW_CPU_CYCLES, PERF_COUNT_HW_INSTRUCTIONS,
                                       PERF_COUNT_HW_CACHE_MISSES};
    struct perf_event_attr event;
    memset(&event, 0, sizeof event);
    event.size = sizeof event;
    event.type = PERF_TYPE_HARDWARE;
    event.config = generic[which];
#if defined(__aarch64__) || defined(__arm__)
    /* Of the Arm architecture's common events: CPU_CYCLES, INST_RETIRED, L2D_CACHE_REFILL. */
    static const uint64_t common[] = {0x11, 0x08, 0x17};
    if (has_pmu) {
        event.type = type;
        event.config = common[which];
    }
#else
    event.config |= has_pmu ? (uint64_t)type << 32 : 0; /* of processors with two kinds of cores */
#endif
    event.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    event.disabled = which == COUNTER_CYCLES;
    event.exclude_kernel = 1;
    event.exclude_hv = 1;
    return event;
}

static void say(counters *c, const char *what, int number) {
    char level[32];
    int n = snprintf(c->reason, sizeof c->reason, "%s: %s", what, strerror(number));
    if (kind_of(number) == COUNTER_FORBIDDEN && sysfile_text(PARANOID, level, sizeof level) && n > 0 &&
        (size_t)n < sizeof c->reason) {
        snprintf(c->reason + n, sizeof c->reason - (size_t)n, " (perf_event_paranoid is %.8s)", level);
    }
}

static void fail(counters *c, const char *what, int number) {
    say(c, what, number);
    counters_close(c);
    c->error = kind_of(number);
}

void counters_open(counters *c, const counter_system *system, int cpu) {
    static const char *const names[] = {"cycles", "instructions", "cache refills"};
    unsigned type = 0;
    memset(c, 0, sizeof *c);
    c->system = system;
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        c->fd[i] = -1;
    }
    bool has_pmu = pmu_of(system->devices, cpu, c->pmu, sizeof c->pmu, &type);
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        struct perf_event_attr event = event_of(i, has_pmu, type);
        c->fd[i] = system->open(&event, i ? c->fd[COUNTER_CYCLES] : -1);
        if (c->fd[i] >= 0) {
            c->place[i] = c->open++;
        } else if (i == COUNTER_REFILLS) {
            say(c, names[i], errno); /* few cores count all; the others are evidence without it */
        } else {
            fail(c, names[i], errno);
            return;
        }
    }
    if (system->enable(c->fd[COUNTER_CYCLES]) < 0) {
        fail(c, "to begin counting", errno);
    }
}

#else

const counter_system COUNTER_SYSTEM = {.read = read, .close = close};

void counters_open(counters *c, const counter_system *system, int cpu) {
    (void)cpu;
    memset(c, 0, sizeof *c);
    c->system = system;
    c->error = COUNTER_UNSUPPORTED;
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        c->fd[i] = -1;
    }
    snprintf(c->reason, sizeof c->reason, "this system has no interface for counters");
}

#endif
