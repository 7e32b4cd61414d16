/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/meminfo.h"

#include "machine/sysfile.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MARGIN (UINT64_C(64) << 20)
#define UNKNOWN UINT64_MAX

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t left_of(uint64_t limit, uint64_t used) {
    return limit > used ? limit - used : 0;
}

/* The number behind `key`, which begins a line, in units of `unit` bytes; UNKNOWN where there is none. */
static uint64_t number_in(const char *folder, const char *file, const char *key, uint64_t unit) {
    char path[1024], text[8192], line[64];
    text[0] = '\n';
    if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path ||
        !sysfile_text(path, text + 1, sizeof text - 1)) {
        return UNKNOWN;
    }
    snprintf(line, sizeof line, "\n%s", key);
    const char *at = strstr(text, line);
    if (!at) {
        return UNKNOWN;
    }
    char *end;
    at += strlen(line);
    uint64_t value = strtoull(at, &end, 10);
    return end == at || value > UNKNOWN / unit ? UNKNOWN : value * unit; /* "max" is no number */
}

/* What is left of a limit of the process, of which it has used as much as `key` of its status says. */
static uint64_t left_of_process(const char *proc, rlim_t limit, const char *key) {
    if (limit == RLIM_INFINITY) {
        return UNKNOWN;
    }
    uint64_t used = number_in(proc, "self/status", key, 1024);
    return used == UNKNOWN ? limit : left_of(limit, used);
}

typedef struct {
    const char *limit, *used, *cache; /* files of a group; a key of its memory.stat: bytes that are given up first */
} version;

static const version first = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "};
static const version second = {"memory.max", "memory.current", "inactive_file "};

/* Of a group and all of its parents: `folder` is where they lie, `path` the group's, from its root on. */
static uint64_t left_of_groups(const version *v, const char *folder, char *path) {
    uint64_t found = UNKNOWN;
    for (;;) {
        char group[1024];
        snprintf(group, sizeof group, "%s%s", folder, path);
        uint64_t limit = number_in(group, v->limit, "", 1), used = number_in(group, v->used, "", 1);
        if (limit != UNKNOWN) {
            uint64_t cache = number_in(group, "memory.stat", v->cache, 1);
            used = used == UNKNOWN ? 0 : cache == UNKNOWN ? used : left_of(used, cache);
            found = least(found, left_of(limit, used));
        }
        char *slash = strrchr(path, '/');
        if (!slash) {
            return found;
        }
        *slash = 0;
    }
}

/* Whether a list of names, separated by commas, has `memory`. */
static bool has_memory(const char *names) {
    for (const char *at = names; (at = strstr(at, "memory")) != NULL; at++) {
        const char after = at[strlen("memory")];
        if ((at == names || at[-1] == ',') && (after == 0 || after == ',')) {
            return true;
        }
    }
    return false;
}

static uint64_t left_of_all_groups(const char *proc, const char *cgroups) {
    char path[512], text[4096], folder[512], *rest = NULL;
    uint64_t found = UNKNOWN;
    snprintf(path, sizeof path, "%s/self/cgroup", proc);
    if (!sysfile_text(path, text, sizeof text)) {
        return UNKNOWN;
    }
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) { /* NUMBER:NAMES:PATH */
        char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
        if (!group) {
            continue;
        }
        names++;
        *group++ = 0;
        if (!*names) { /* version 2, alone or beside version 1 */
            char copy[512];
            snprintf(copy, sizeof copy, "%s", group);
            snprintf(folder, sizeof folder, "%s/unified", cgroups);
            found = least(found, least(left_of_groups(&second, folder, copy), left_of_groups(&second, cgroups, group)));
        } else if (has_memory(names)) {
            snprintf(folder, sizeof folder, "%s/memory", cgroups);
            found = least(found, left_of_groups(&first, folder, group));
        }
    }
    return found;
}

uint64_t meminfo_free_by(const char *proc, const char *cgroups) {
    uint64_t available = number_in(proc, "meminfo", "MemAvailable:", 1024);
    struct rlimit space, data;
    if (getrlimit(RLIMIT_AS, &space) == 0) {
        available = least(available, left_of_process(proc, space.rlim_cur, "VmSize:"));
    }
    if (getrlimit(RLIMIT_DATA, &data) == 0) {
        available = least(available, left_of_process(proc, data.rlim_cur, "VmData:"));
    }
    available = least(available, left_of_all_groups(proc, cgroups));
    return available == UNKNOWN ? UNKNOWN : left_of(available, available / 8 + MARGIN);
}

#if defined(__APPLE__)

#include <mach/mach.h>

/* What nobody has, and what the system gives up without asking or writing. */
uint64_t meminfo_free(void) {
    vm_statistics64_data_t pages;
    mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
    const mach_port_t host = mach_host_self();
    const bool told = host_statistics64(host, HOST_VM_INFO64, (host_info64_t)&pages, &count) == KERN_SUCCESS;
    mach_port_deallocate(mach_task_self(), host);
    if (!told) {
        return UNKNOWN;
    }
    const uint64_t available = ((uint64_t)pages.free_count + pages.external_page_count + pages.purgeable_count) *
                               (uint64_t)vm_kernel_page_size;
    return left_of(available, available / 8 + MARGIN);
}

#else

uint64_t meminfo_free(void) {
    return meminfo_free_by("/proc", "/sys/fs/cgroup");
}

#endif
