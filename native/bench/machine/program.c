/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/program.h"

#include "indirectconv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef IC_COMPILER
#define IC_COMPILER __VERSION__
#endif
#ifndef IC_FLAGS
#define IC_FLAGS ""
#endif

const char *program_version(void) {
    static char text[16];
    uint32_t v = ic_version();
    snprintf(text, sizeof text, "%u.%u.%u", v >> 16 & 255, v >> 8 & 255, v & 255);
    return text;
}

const char *program_compiler(void) {
    return IC_COMPILER;
}

const char *program_flags(void) {
    return IC_FLAGS;
}

const char *program_abi(void) {
#if defined(__aarch64__)
    return "arm64-v8a";
#elif defined(__x86_64__)
    return "x86_64";
#elif defined(__arm__)
    return "armeabi-v7a";
#else
    return "";
#endif
}

static char build_id[2 * 64 + 1];

#if defined(__APPLE__)

#include <mach-o/dyld.h>
#include <mach-o/loader.h>

static void find_build_id(void) {
    const struct mach_header_64 *header = (const void *)_dyld_get_image_header(0);
    const char *at = (const char *)(header + 1);
    for (uint32_t i = 0; header && i < header->ncmds; i++) {
        const struct load_command *command = (const void *)at;
        for (unsigned k = 0; command->cmd == LC_UUID && k < 16; k++) {
            snprintf(build_id + 2 * k, 3, "%02x", ((const struct uuid_command *)(const void *)at)->uuid[k]);
        }
        at += command->cmdsize;
    }
}

#else

#include <elf.h>
#include <link.h>
#include <stdbool.h>

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

static void find_build_id(void) {
    dl_iterate_phdr(find_note, NULL);
}

#endif

const char *program_build_id(void) {
    if (!build_id[0]) {
        find_build_id();
    }
    if (!build_id[0]) {
        strcpy(build_id, "unknown");
    }
    return build_id;
}
