/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/caches.h"

#if defined(__APPLE__)
#include "machine/sysctl.h"
#else
#include "machine/sysfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

#if defined(__APPLE__)

/* The cache of the whole chip is not told: what is copied to get out of it goes by the assumed size at least. */
static caches of_cpu(int cpu) {
    const unsigned level = sysctl_level_of(cpu < 0 ? 0 : (unsigned)cpu);
    const caches c = {.l1d = sysctl_number("hw.perflevel%u.l1dcachesize", level),
                      .l2 = sysctl_number("hw.perflevel%u.l2cachesize", level)};
    return c;
}

#else

static uint64_t size_of(const char *text) {
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    return *end == 'K' ? value << 10 : *end == 'M' ? value << 20 : value;
}

static caches of_cpu(int cpu) {
    caches c = {0};
    int top = 0;
    for (int index = 0; index < 16; index++) {
        char path[128], level[16], type[32], size[32];
        static const char *const names[] = {"level", "type", "size"};
        char *const values[] = {level, type, size};
        static const size_t rooms[] = {sizeof level, sizeof type, sizeof size};
        bool all = true;
        for (int i = 0; i < 3 && all; i++) {
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cache/index%d/%s", cpu, index, names[i]);
            all = sysfile_text(path, values[i], rooms[i]);
        }
        if (!all || !strcmp(type, "Instruction")) {
            continue;
        }
        int l = atoi(level);
        if (l == 1) {
            c.l1d = size_of(size);
        }
        if (l == 2) {
            c.l2 = size_of(size);
        }
        if (l > top) {
            top = l;
            c.llc = size_of(size);
        }
    }
    return c;
}

#endif

caches caches_read(int cpu, uint64_t llc_bytes) {
    caches c = of_cpu(cpu);
    if (llc_bytes) {
        c.llc = llc_bytes;
    }
    c.llc_assumed = !c.llc;
    if (!c.llc) {
        c.llc = c.l2 > LLC_ASSUMED ? c.l2 : LLC_ASSUMED;
    }
    c.llc_capped = c.llc > LLC_CAP;
    if (c.llc_capped) {
        c.llc = LLC_CAP;
    }
    return c;
}
