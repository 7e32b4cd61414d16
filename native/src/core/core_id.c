/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core_id.h"

#include "core/core.h"
#include "core/midr.h"

#include <stdio.h>
#include <string.h>

#if defined(__APPLE__)

#include <stdint.h>
#include <sys/sysctl.h>

/* The family of the chip: which of its levels of performance a thread runs on is the system's to choose. */
bool ic_core_id(char id[IC_CORE_ID]) {
    uint32_t family = 0;
    size_t size = sizeof family;
    const bool is_known = sysctlbyname("hw.cpufamily", &family, &size, NULL, 0) == 0 && family != 0;
    snprintf(id, IC_CORE_ID, "apple:%08x", (unsigned)family);
    return is_known;
}

#elif defined(__x86_64__)

#include <cpuid.h>

/* Features are part of it: the system, or a virtual machine, may hide some of those that the model has. */
bool ic_core_id(char id[IC_CORE_ID]) {
    unsigned eax, words[3], unused;
    char vendor[sizeof words + 1];
    if (!__get_cpuid(0, &eax, &words[0], &words[2], &words[1])) {
        return false;
    }
    memcpy(vendor, words, sizeof words);
    vendor[sizeof words] = '\0';
    for (char *c = vendor; *c != '\0'; c++) {
        *c = *c > ' ' && *c < 127 ? *c : '_'; /* some virtual machines' names have spaces */
    }
    if (!__get_cpuid(1, &eax, &unused, &unused, &unused)) {
        return false;
    }
    unsigned family = eax >> 8 & 15, model = eax >> 4 & 15;
    if (family == 6 || family == 15) {
        model |= eax >> 12 & 0xf0;
    }
    if (family == 15) {
        family += eax >> 20 & 255;
    }
    const char *features = ic_cpu_features();
    snprintf(id, IC_CORE_ID, "x86:%s:%u:%u:%u:%s", vendor, family, model, eax & 15, *features ? features : "none");
    return true;
}

#elif defined(__aarch64__)

bool ic_core_id(char id[IC_CORE_ID]) {
    const uint64_t midr = ic_midr_here();
    snprintf(id, IC_CORE_ID, "arm64:%08llx", (unsigned long long)midr);
    return midr != 0;
}

#elif defined(__arm__)

/* Features are part of it: an emulator may have fewer than the model. */
bool ic_core_id(char id[IC_CORE_ID]) {
    const uint64_t midr = ic_midr_here();
    const char *features = ic_cpu_features();
    snprintf(id, IC_CORE_ID, "arm:%08llx:%s", (unsigned long long)midr, *features ? features : "none");
    return midr != 0;
}

#else

bool ic_core_id(char id[IC_CORE_ID]) {
    id[0] = '\0';
    return false;
}

#endif
