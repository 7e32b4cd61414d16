/* SPDX-License-Identifier: Apache-2.0
 * The memory that convbench may take: the least of what the system, the process and its control groups leave. */
#define _GNU_SOURCE /* mkdtemp */
#include "check.h"
#include "machine/meminfo.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static char root[] = "/tmp/test_meminfo.XXXXXX";

/* A file below the root, with the folders that lead to it. */
static void put(const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *at = strchr(path + strlen(root) + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(path, 0700);
        *at = '/';
    }
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static uint64_t found(void) {
    char proc[64], groups[64];
    snprintf(proc, sizeof proc, "%s/proc", root);
    snprintf(groups, sizeof groups, "%s/cgroup", root);
    return meminfo_free_by(proc, groups);
}

/* Less the margin. */
static uint64_t of(uint64_t mib) {
    return mib * MIB - (mib * MIB / 8 + 64 * MIB);
}

static void remove_all(void) {
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", root);
    CHECK(system(command) == 0);
}

static void least_of_all(const char *kernel) {
    (void)kernel;
    CHECK(mkdtemp(root) != NULL);
    CHECK(found() == UINT64_MAX);
    put("proc/meminfo", "MemTotal: 9000000 kB\nMemFree: 1 kB\nMemAvailable:    8192000 kB\n");
    CHECK(found() == of(8000));
    put("proc/self/status", "Name:\tx\nVmPeak:\t 99 kB\nVmSize:\t  102400 kB\nVmData:\t  51200 kB\n");
    CHECK(found() == of(8000));

    /* Version 2: the group's parent has the limit; unlimited groups and those that tell nothing count for nothing. */
    put("proc/self/cgroup", "0::/user/session\n");
    put("cgroup/user/session/memory.max", "max\n");
    put("cgroup/user/session/memory.current", "104857600\n");
    CHECK(found() == of(8000));
    put("cgroup/user/memory.max", "4194304000\n");
    put("cgroup/user/memory.current", "1048576000\n");
    CHECK(found() == of(3000));
    put("cgroup/user/memory.stat", "anon 1\nactive_file 7\ninactive_file 524288000\n"); /* which is given up first */
    CHECK(found() == of(3500));
    put("cgroup/user/session/memory.max", "2202009600\n");
    CHECK(found() == of(2000));
    put("cgroup/memory.max", "1048576\n");
    CHECK(found() == 0);
    put("cgroup/memory.max", "max\n");

    /* Version 1, with others beside it. */
    put("proc/self/cgroup", "3:cpu,cpuacct:/a\n4:memoryless:/b\n5:hugetlb,memory:/c/d\n1:name=systemd:/\n");
    put("cgroup/memory/b/memory.limit_in_bytes", "1\n");
    CHECK(found() == of(8000));
    put("cgroup/memory/c/d/memory.limit_in_bytes", "9223372036854771712\n"); /* none */
    put("cgroup/memory/c/memory.limit_in_bytes", "1572864000\n");
    put("cgroup/memory/c/memory.usage_in_bytes", "629145600\n");
    put("cgroup/memory/c/memory.stat", "inactive_file 1\ntotal_inactive_file 104857600\n");
    CHECK(found() == of(1000));
    put("proc/meminfo", "MemAvailable:    102400 kB\n");
    CHECK(found() == of(100));
    put("proc/meminfo", "MemAvailable:    1024 kB\n");
    CHECK(found() == 0);
    remove_all();
}

/* The process's own limits. */
static void limits(const char *kernel) {
    (void)kernel;
    CHECK(mkdtemp(root) != NULL);
    put("proc/meminfo", "MemAvailable:    8192000 kB\n");
    put("proc/self/status", "Name:\tx\nVmPeak:\t 99 kB\nVmSize:\t  102400 kB\nVmData:\t  51200 kB\n");
    struct rlimit space, data;
    CHECK(getrlimit(RLIMIT_AS, &space) == 0 && getrlimit(RLIMIT_DATA, &data) == 0);
    const struct rlimit less = {1000 * MIB, space.rlim_max}, least = {850 * MIB, data.rlim_max};
    CHECK(setrlimit(RLIMIT_AS, &less) == 0);
    const uint64_t by_space = found();
    CHECK(setrlimit(RLIMIT_DATA, &least) == 0);
    const uint64_t by_data = found(), own = meminfo_free();
    CHECK(setrlimit(RLIMIT_AS, &space) == 0 && setrlimit(RLIMIT_DATA, &data) == 0);
    CHECK(by_space == of(900) && by_data == of(800));
    CHECK(own <= of(850) && own <= meminfo_free());
    remove_all();
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"least_of_all", least_of_all}, {"limits", limits}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
