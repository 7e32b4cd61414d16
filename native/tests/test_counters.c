/* SPDX-License-Identifier: Apache-2.0
 * Hardware counters: each way in which the system refuses them, and readings as kernels give them, by a system of this
 * test's own in the place of the real one. */
#define _GNU_SOURCE /* mkdtemp */
#include "probes/counters.h"

#include "check.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_FD 100

/* What the system does next, and what it was asked. */
static struct {
    int refuse[COUNTER_EVENTS]; /* errno of the n-th open; 0: granted */
    int enable;                 /* errno */
    uint64_t reading[8];
    ssize_t bytes; /* of a reading; below 0: it fails */
    unsigned opened, closed, enabled;
    struct perf_event_attr asked[COUNTER_EVENTS];
    int group[COUNTER_EVENTS];
} fake;

static int fake_open(struct perf_event_attr *event, int group) {
    const unsigned n = fake.opened++;
    CHECK(n < COUNTER_EVENTS);
    fake.asked[n] = *event;
    fake.group[n] = group;
    errno = fake.refuse[n];
    return errno ? -1 : FIRST_FD + (int)n;
}

static int fake_enable(int fd) {
    CHECK(fd == FIRST_FD);
    fake.enabled++;
    errno = fake.enable;
    return errno ? -1 : 0;
}

static ssize_t fake_read(int fd, void *into, size_t room) {
    CHECK(fd == FIRST_FD && room >= sizeof(uint64_t) * (3 + COUNTER_EVENTS));
    if (fake.bytes > 0) {
        memcpy(into, fake.reading, (size_t)fake.bytes);
    }
    return fake.bytes;
}

static int fake_close(int fd) {
    CHECK(fd >= FIRST_FD && fd < FIRST_FD + COUNTER_EVENTS);
    fake.closed++;
    return 0;
}

static counter_system of_folder(const char *devices) {
    return (counter_system){fake_open, fake_enable, fake_read, fake_close, devices};
}

static counter_system nowhere(void) {
    memset(&fake, 0, sizeof fake);
    return of_folder("/nonexistent");
}

static void refusals(const char *kernel) {
    static const struct {
        int number;
        counter_error error;
    } every[] = {{EACCES, COUNTER_FORBIDDEN}, {EPERM, COUNTER_FORBIDDEN},   {ENOENT, COUNTER_ABSENT},
                 {ENODEV, COUNTER_ABSENT},    {EOPNOTSUPP, COUNTER_ABSENT}, {ENOSYS, COUNTER_UNSUPPORTED},
                 {EMFILE, COUNTER_EXHAUSTED}, {ENFILE, COUNTER_EXHAUSTED},  {ENOMEM, COUNTER_EXHAUSTED},
                 {ENOSPC, COUNTER_EXHAUSTED}, {EBUSY, COUNTER_BUSY},        {EINVAL, COUNTER_REFUSED},
                 {E2BIG, COUNTER_REFUSED},    {EOVERFLOW, COUNTER_REFUSED}};
    (void)kernel;
    for (unsigned i = 0; i < sizeof every / sizeof *every; i++) {
        for (unsigned n = 0; n < COUNTER_REFILLS; n++) {
            const counter_system system = nowhere();
            counters c;
            fake.refuse[n] = every[i].number;
            counters_open(&c, &system, 0);
            CHECK(c.error == every[i].error && c.reason[0] && !c.open);
            CHECK(fake.closed == n && !fake.enabled); /* nothing is left open */
            const counter_reading r = counters_read(&c);
            CHECK(r.error == every[i].error);
            const counter_counts counts = counters_between(&c, &r, &r);
            CHECK(counts.error == every[i].error && counts.value[0] == -1 && counts.value[2] == -1);
        }
        const counter_system system = nowhere();
        counters c;
        fake.enable = every[i].number;
        counters_open(&c, &system, 0);
        CHECK(c.error == every[i].error && fake.closed == COUNTER_EVENTS && !c.open);
    }
    CHECK(!strcmp(counter_word(COUNTER_OK), "") && !strcmp(counter_word(COUNTER_SHARED), "shared"));
}

static void granted(const char *kernel) {
    (void)kernel;
    const counter_system system = nowhere();
    counters c;
    counters_open(&c, &system, 0);
    CHECK(c.error == COUNTER_OK && c.open == COUNTER_EVENTS && fake.enabled == 1 && !c.pmu[0] && !c.reason[0]);
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        CHECK(fake.asked[i].exclude_kernel && fake.asked[i].exclude_hv && !fake.asked[i].inherit);
        CHECK(fake.asked[i].disabled == (i == 0) && fake.group[i] == (i ? FIRST_FD : -1));
        CHECK(fake.asked[i].type == PERF_TYPE_HARDWARE && fake.asked[i].size == sizeof fake.asked[i]);
    }
    counters_close(&c);
    CHECK(fake.closed == COUNTER_EVENTS && !c.open);
    counters_close(&c);
    CHECK(fake.closed == COUNTER_EVENTS);
}

/* A reading of so many events: time enabled, time running, the values. */
static counter_reading take(const counters *c, unsigned events, const uint64_t *told) {
    fake.reading[0] = events;
    memcpy(fake.reading + 1, told, sizeof(uint64_t) * (2 + events));
    fake.bytes = (ssize_t)(sizeof(uint64_t) * (3 + events));
    return counters_read(c);
}

static void readings(const char *kernel) {
    (void)kernel;
    const counter_system system = nowhere();
    counters c;
    counters_open(&c, &system, 0);
    /* 9.6 ms at 2.8 GHz. */
    const uint64_t first[] = {51203344, 51203344, 143020117, 412800911, 90233};
    const uint64_t second[] = {60811502, 60811502, 169923114, 490311250, 118007};
    const counter_reading before = take(&c, 3, first), after = take(&c, 3, second);
    counter_counts counts = counters_between(&c, &before, &after);
    CHECK(counts.error == COUNTER_OK);
    CHECK(counts.value[COUNTER_CYCLES] == 26902997 && counts.value[COUNTER_INSTRUCTIONS] == 77510339);
    CHECK(counts.value[COUNTER_REFILLS] == 27774);

    /* Nothing was refilled: a layer that lives in the cache. */
    counter_reading same = after;
    same.value[COUNTER_REFILLS] = before.value[COUNTER_REFILLS];
    counts = counters_between(&c, &before, &same);
    CHECK(counts.error == COUNTER_OK && counts.value[COUNTER_REFILLS] == 0);

    /* No cycles, no instructions: another cluster's counters. */
    for (unsigned i = 0; i < COUNTER_REFILLS; i++) {
        same = after;
        same.value[i] = before.value[i];
        CHECK(counters_between(&c, &before, &same).error == COUNTER_ZERO);
    }
    /* On the CPU for all of the time, on a counter for a part of it, or for none. */
    same = after;
    same.running_ns -= 1;
    counts = counters_between(&c, &before, &same);
    CHECK(counts.error == COUNTER_SHARED && counts.value[COUNTER_CYCLES] == -1);
    same.running_ns = before.running_ns;
    CHECK(counters_between(&c, &before, &same).error == COUNTER_SHARED);
    /* Backwards. */
    CHECK(counters_between(&c, &after, &before).error == COUNTER_UNREADABLE);
    same = after;
    same.value[COUNTER_REFILLS] = 1;
    CHECK(counters_between(&c, &before, &same).error == COUNTER_UNREADABLE);

    /* Readings that fail, that are short (0: the group is in a state of error), that are of another group. */
    for (fake.bytes = -1; fake.bytes < (ssize_t)(sizeof(uint64_t) * 6); fake.bytes++) {
        errno = EINTR;
        const counter_reading bad = counters_read(&c);
        CHECK(bad.error == COUNTER_UNREADABLE && counters_between(&c, &before, &bad).error == COUNTER_UNREADABLE);
        CHECK(counters_between(&c, &bad, &after).error == COUNTER_UNREADABLE);
    }
    fake.reading[0] = 2;
    fake.bytes = sizeof(uint64_t) * 6;
    CHECK(counters_read(&c).error == COUNTER_UNREADABLE);
}

/* Cores that count no refills. */
static void partial(const char *kernel) {
    (void)kernel;
    const counter_system system = nowhere();
    counters c;
    fake.refuse[COUNTER_REFILLS] = ENOENT;
    counters_open(&c, &system, 0);
    CHECK(c.error == COUNTER_OK && c.open == 2 && fake.enabled == 1 && strstr(c.reason, "cache refills"));
    const uint64_t first[] = {100, 100, 10, 20}, second[] = {200, 200, 110, 320};
    const counter_reading before = take(&c, 2, first), after = take(&c, 2, second);
    const counter_counts counts = counters_between(&c, &before, &after);
    CHECK(counts.error == COUNTER_OK && counts.value[0] == 100 && counts.value[1] == 300 && counts.value[2] == -1);
    counters_close(&c);
    CHECK(fake.closed == 2);
}

static char root[] = "/tmp/test_counters.XXXXXX";

static void put(const char *pmu, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, pmu);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s", root, pmu, name);
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Of two clusters' PMUs that of the CPU; one of an interconnect has no `cpus`, others are garbage. */
static void pmus(const char *kernel) {
    (void)kernel;
    CHECK(mkdtemp(root) != NULL);
    put("arm_dsu_0", "type", "12\n");
    put("arm_dsu_0", "cpumask", "0-7\n");
    put("broken", "cpus", "0-7\n");
    put("broken", "type", "many\n");
    put("worse", "cpus", "no list");
    put("worse", "type", "3\n");
    put("armv8_cortex_a55", "cpus", "0-3\n");
    put("armv8_cortex_a55", "type", "8\n");
    put("armv8_cortex_a76", "cpus", "4-7\n");
    put("armv8_cortex_a76", "type", "9\n");
    static const struct {
        int cpu;
        const char *name;
        uint64_t type;
    } every[] = {{0, "armv8_cortex_a55", 8}, {3, "armv8_cortex_a55", 8}, {4, "armv8_cortex_a76", 9}, {8, "", 0}};
    for (unsigned i = 0; i < sizeof every / sizeof *every; i++) {
        counters c;
        memset(&fake, 0, sizeof fake);
        const counter_system system = of_folder(root);
        counters_open(&c, &system, every[i].cpu);
        CHECK(c.error == COUNTER_OK && !strcmp(c.pmu, every[i].name));
#if defined(__aarch64__) || defined(__arm__)
        CHECK(!every[i].type || (fake.asked[0].type == every[i].type && fake.asked[0].config == 0x11));
        CHECK(!every[i].type || (fake.asked[1].config == 0x08 && fake.asked[2].config == 0x17));
#else
        CHECK(fake.asked[0].type == PERF_TYPE_HARDWARE && fake.asked[0].config >> 32 == every[i].type);
        CHECK((uint32_t)fake.asked[1].config == PERF_COUNT_HW_INSTRUCTIONS);
#endif
    }
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", root);
    CHECK(system(command) == 0);
}

/* Here, whatever this system allows: it counts, or says why not. */
static void here(const char *kernel) {
    (void)kernel;
    counters c;
    counters_open(&c, &COUNTER_SYSTEM, 0);
    const counter_reading before = counters_read(&c);
    for (volatile int i = 0; i < 100000; i++) {
    }
    const counter_reading after = counters_read(&c);
    const counter_counts counts = counters_between(&c, &before, &after);
    CHECK((c.error == COUNTER_OK) == !*counter_word(c.error));
    CHECK(c.error == COUNTER_OK || (c.reason[0] && counts.error == c.error && !c.open));
    CHECK(counts.error != COUNTER_OK || counts.value[COUNTER_INSTRUCTIONS] > 100000);
    counters_close(&c);
}

int main(int argc, char **argv) {
    static const check_case cases[] = {
        {"refusals", refusals}, {"granted", granted}, {"readings", readings}, {"partial", partial}, {"pmus", pmus},
        {"here", here},         {NULL, NULL}};
    return check_main(argc, argv, cases);
}
