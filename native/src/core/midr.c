/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* O_CLOEXEC */
#include "core/midr.h"

#include "core/cpus.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number of a line `name\t: number`. */
static bool number_of(const char *line, const char *name, unsigned long *number) {
    const size_t length = strlen(name);
    if (strncmp(line, name, length) != 0) {
        return false;
    }
    line += length + strspn(line + length, " \t");
    if (*line != ':') {
        return false;
    }
    char *end;
    *number = strtoul(line + 1, &end, 0);
    return end != line + 1;
}

uint64_t ic_midr_of_cpuinfo(const char *text, unsigned cpu) {
    static const struct {
        const char *name;
        unsigned shift, most;
    } parts[] = {
        {"CPU implementer", 24, 0xff}, {"CPU variant", 20, 15}, {"CPU part", 4, 0xfff}, {"CPU revision", 0, 15}};
    uint64_t midr = 0xf0000; /* architecture: by feature registers */
    unsigned found = 0;
    bool is_it = false;
    for (const char *line = text; *line != '\0';) {
        unsigned long number;
        if (number_of(line, "processor", &number)) {
            is_it = number == cpu;
        }
        for (unsigned i = 0; i < 4 && is_it; i++) {
            if (number_of(line, parts[i].name, &number) && number <= parts[i].most) {
                midr |= (uint64_t)number << parts[i].shift;
                found |= 1u << i;
            }
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return found == 15 ? midr : 0;
}

#if (defined(__aarch64__) || defined(__arm__)) && !defined(__APPLE__)

#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

/* The start of a file as text; "" where it cannot be read. */
static void read_text(const char *path, char *text, size_t room) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t more = file < 0 ? 0 : 1;
    while (more > 0 && length < room - 1) {
        more = read(file, text + length, room - 1 - length);
        length += more > 0 ? (size_t)more : 0;
    }
    if (file >= 0) {
        close(file);
    }
    text[length] = '\0';
}

/* Linux answers for the register since 4.11, and says so; before that, and to programs of 32 bits, it is in files. */
uint64_t ic_midr_here(void) {
    uint64_t midr;
#if defined(__aarch64__)
    const unsigned long cpuid = 1ul << 11;
    if ((getauxval(AT_HWCAP) & cpuid) != 0) {
        __asm__ volatile("mrs %0, midr_el1" : "=r"(midr));
        return midr;
    }
#endif
    char path[96], text[8192];
    const int cpu = ic_cpus_here();
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/regs/identification/midr_el1", cpu);
    read_text(path, text, sizeof text);
    midr = strtoull(text, NULL, 16);
    if (midr == 0 && cpu >= 0) {
        read_text("/proc/cpuinfo", text, sizeof text);
        midr = ic_midr_of_cpuinfo(text, (unsigned)cpu);
    }
    return midr;
}

#else /* to read the register would end a program of macOS */

uint64_t ic_midr_here(void) {
    return 0;
}

#endif
