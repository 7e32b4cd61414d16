/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu.h"

#include "sysfile.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t size_of(const char *text) {
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    return *end == 'K' ? value << 10 : *end == 'M' ? value << 20 : value;
}

cpu_caches cpu_caches_read(int cpu, uint64_t llc_bytes) {
    cpu_caches c = {0};
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
    if (llc_bytes) {
        c.llc = llc_bytes;
    }
    c.llc_assumed = !c.llc;
    if (!c.llc) {
        c.llc = LLC_ASSUMED;
    }
    c.llc_capped = c.llc > LLC_CAP;
    if (c.llc_capped) {
        c.llc = LLC_CAP;
    }
    return c;
}

static char build_id[2 * 64 + 1];

#ifndef NT_GNU_BUILD_ID
#define NT_GNU_BUILD_ID 3
#endif

/* Whether the object is this program: it holds the string. Not every system lists the program first. */
static bool is_ours(const struct dl_phdr_info *info) {
    uintptr_t here = (uintptr_t)build_id;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && here - (info->dlpi_addr + p->p_vaddr) < p->p_memsz) {
            return true;
        }
    }
    return false;
}

static int find_note(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    (void)data;
    if (!is_ours(info)) {
        return 0;
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_NOTE) {
            continue;
        }
        const char *at = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
                   *end = at + info->dlpi_phdr[i].p_memsz;
        while (end - at > (ptrdiff_t)sizeof(ElfW(Nhdr))) {
            const ElfW(Nhdr) *note = (const void *)at;
            const char *name = at + sizeof *note, *bytes = name + ((note->n_namesz + 3u) & ~3u);
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && !memcmp(name, "GNU", 4) &&
                note->n_descsz <= 64) {
                for (unsigned k = 0; k < note->n_descsz; k++) {
                    snprintf(build_id + 2 * k, 3, "%02x", (unsigned char)bytes[k]);
                }
                return 1;
            }
            at = bytes + ((note->n_descsz + 3u) & ~3u);
        }
    }
    return 1;
}

const char *cpu_build_id(void) {
    if (!build_id[0]) {
        dl_iterate_phdr(find_note, NULL);
    }
    if (!build_id[0]) {
        strcpy(build_id, "unknown");
    }
    return build_id;
}

bool cpu_boot_id(char *text, size_t room) {
    return sysfile_text("/proc/sys/kernel/random/boot_id", text, room);
}

uint64_t cpu_start_ticks(void) {
    char text[1024];
    if (!sysfile_text("/proc/self/stat", text, sizeof text)) {
        return 0;
    }
    const char *at = strrchr(text, ')'); /* the name may hold spaces */
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at + 1, NULL, 10) : 0;
}
