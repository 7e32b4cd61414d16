/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* O_CLOEXEC */
#include "core/core.h"

#include "core/cpus.h"
#include "core/midr.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Parts of Arm and of others (Qualcomm renamed Arm's), by implementer and part of MIDR_EL1; caches are those of the
 * smallest common configuration. Cores that are not named are taken for out-of-order ones with 512 KiB. */
static const struct {
    uint16_t implementer, part;
    ic_core_class kind;
    size_t l2;
} parts[] = {
    {0x41, 0xd02, IC_CORE_A53, 256 << 10}, /* Cortex-A34 */
    {0x41, 0xd03, IC_CORE_A53, 256 << 10}, /* Cortex-A53 */
    {0x41, 0xd04, IC_CORE_A53, 256 << 10}, /* Cortex-A35 */
    {0x41, 0xd05, IC_CORE_A55, 64 << 10},  /* Cortex-A55 */
    {0x41, 0xc05, IC_CORE_A53, 256 << 10}, /* Cortex-A5, of 32 bits as the next one */
    {0x41, 0xc07, IC_CORE_A53, 256 << 10}, /* Cortex-A7 */
    {0x51, 0x801, IC_CORE_A53, 256 << 10}, /* Kryo 2xx Silver */
    {0x51, 0x803, IC_CORE_A55, 128 << 10}, /* Kryo 3xx Silver */
    {0x51, 0x805, IC_CORE_A55, 128 << 10}, /* Kryo 4xx Silver */
};

enum { L2_ASSUMED = 512 << 10 };

ic_core ic_core_of_midr(uint64_t midr) {
    ic_core core = {IC_CPU_NEON, IC_CORE_OUT_OF_ORDER, L2_ASSUMED, 0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].implementer == (midr >> 24 & 0xff) && parts[i].part == (midr >> 4 & 0xfff)) {
            core.kind = parts[i].kind;
            core.l2 = parts[i].l2;
        }
    }
    return core;
}

#if defined(__APPLE__)

#include <sys/sysctl.h>

unsigned ic_core_features(void) {
    return IC_CPU_NEON; /* part of the base architecture */
}

static size_t number_of(const char *format, unsigned level) {
    char name[64];
    unsigned char bytes[8] = {0}; /* numbers of 32 or of 64 bits, the least byte first */
    size_t size = sizeof bytes, value = 0;
    snprintf(name, sizeof name, format, level);
    if (sysctlbyname(name, bytes, &size, NULL, 0) != 0) {
        return 0;
    }
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* The system moves threads between its levels of performance: the least that a core of any of them may fill. */
static size_t least_l2(void) {
    size_t least = 0;
    const size_t levels = number_of("hw.nperflevels", 0);
    for (unsigned level = 0; level < levels && level < 8; level++) {
        const size_t bytes = number_of("hw.perflevel%u.l2cachesize", level);
        const size_t sharing = number_of("hw.perflevel%u.cpusperl2", level);
        const size_t own = sharing != 0 ? bytes / sharing : bytes;
        least = own != 0 && (least == 0 || own < least) ? own : least;
    }
    return least != 0 ? least : L2_ASSUMED;
}

ic_core ic_core_here(void) {
    static atomic_size_t l2;
    ic_core core = {ic_core_features(), IC_CORE_OUT_OF_ORDER, atomic_load_explicit(&l2, memory_order_relaxed), 0};
    if (core.l2 == 0) {
        core.l2 = least_l2();
        atomic_store_explicit(&l2, core.l2, memory_order_relaxed);
    }
    return core;
}

#elif defined(__x86_64__)

#include <cpuid.h>

/* XCR0: which register state the system saves. */
static unsigned saved_state(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static unsigned detect(void) {
    const unsigned osxsave = 1u << 27, fma = 1u << 12, avx2 = 1u << 5, avx512f = 1u << 16;
    const unsigned ymm = 0x06, zmm = 0xe6;
    unsigned eax, ebx, ecx, edx, found = 0;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & osxsave)) {
        return 0;
    }
    const unsigned state = saved_state();
    if ((state & ymm) != ymm) {
        return 0;
    }
    if (ecx & fma) {
        found |= IC_CPU_FMA;
    }
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        return found;
    }
    if (ebx & avx2) {
        found |= IC_CPU_AVX2;
    }
    if ((ebx & avx512f) && (state & zmm) == zmm) {
        found |= IC_CPU_AVX512F;
    }
    return found;
}

/* CPUID takes tens of microseconds in a virtual machine, and its answer never changes: it is kept, with one bit more.
 */
unsigned ic_core_features(void) {
    static atomic_uint known;
    const unsigned is_known = 1u << 31;
    unsigned found = atomic_load_explicit(&known, memory_order_relaxed);
    if (found == 0) {
        found = detect() | is_known;
        atomic_store_explicit(&known, found, memory_order_relaxed);
    }
    return found & ~is_known;
}

/* Leaf 4 (Intel) or 0x8000001d (AMD): one cache after the other. */
static size_t size_of_leaf(unsigned leaf, unsigned wanted) {
    unsigned eax, ebx, ecx, edx;
    for (unsigned i = 0; i < 16 && __get_cpuid_count(leaf, i, &eax, &ebx, &ecx, &edx) && (eax & 31) != 0; i++) {
        const unsigned type = eax & 31, level = eax >> 5 & 7;
        if (level == wanted && type != 2) { /* not for instructions alone */
            return (size_t)((ebx >> 22) + 1) * ((ebx >> 12 & 1023) + 1) * ((ebx & 4095) + 1) * (ecx + 1);
        }
    }
    return 0;
}

static size_t cache_size(unsigned level) {
    const size_t size = size_of_leaf(4, level);
    return size != 0 ? size : size_of_leaf(0x8000001d, level);
}

ic_core ic_core_here(void) {
    static atomic_size_t l2, l3;
    ic_core core = {ic_core_features(), IC_CORE_OUT_OF_ORDER, atomic_load_explicit(&l2, memory_order_acquire), 0};
    if (core.l2 == 0) {
        core.l2 = cache_size(2);
        core.l2 = core.l2 != 0 ? core.l2 : L2_ASSUMED;
        atomic_store_explicit(&l3, cache_size(3), memory_order_relaxed);
        atomic_store_explicit(&l2, core.l2, memory_order_release); /* says that both are known */
    }
    core.l3 = atomic_load_explicit(&l3, memory_order_relaxed);
    return core;
}

#elif defined(__aarch64__) || defined(__arm__)

#if defined(__aarch64__)

unsigned ic_core_features(void) {
    return IC_CPU_NEON; /* part of the base architecture */
}

#else

#include <sys/auxv.h>

unsigned ic_core_features(void) {
    const unsigned long neon = 1ul << 12, vfpv4 = 1ul << 16, has = getauxval(AT_HWCAP);
    return ((has & neon) != 0 ? IC_CPU_NEON : 0u) | ((has & vfpv4) != 0 ? IC_CPU_VFPV4 : 0u);
}

#endif

/* The first word of a file; "" where it cannot be read. */
static void read_word(const char *path, char *text, size_t room) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = 0;
    if (file >= 0) {
        length = read(file, text, room - 1);
        close(file);
    }
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* Sizes of this CPU's L2 and L3 caches, by level: of the first one that is named; 0 where the system doesn't tell (a
 * virtual machine, an application without the right). */
static void read_caches(unsigned cpu, size_t sizes[4]) {
    for (unsigned i = 0; i < 8; i++) {
        char path[96], text[32];
        char *unit;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cache/index%u/level", cpu, i);
        read_word(path, text, sizeof text);
        const unsigned long level = strtoul(text, NULL, 10);
        if ((level != 2 && level != 3) || sizes[level] != 0) {
            continue;
        }
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cache/index%u/size", cpu, i);
        read_word(path, text, sizeof text);
        const unsigned long size = strtoul(text, &unit, 10);
        if (size != 0 && size < 1 << 20) {
            sizes[level] = (size_t)size << (*unit == 'K' ? 10 : *unit == 'M' ? 20 : 0);
        }
    }
}

ic_core ic_core_here(void) {
    const int cpu = ic_cpus_here();
    ic_core core = ic_core_of_midr(ic_midr_here());
    size_t sizes[4] = {0};
    read_caches(cpu < 0 ? 0 : (unsigned)cpu, sizes);
    core.l2 = sizes[2] != 0 ? sizes[2] : core.l2;
    core.l3 = sizes[3];
    return core;
}

#else

unsigned ic_core_features(void) {
    return 0;
}

ic_core ic_core_here(void) {
    const ic_core core = {0, IC_CORE_OUT_OF_ORDER, L2_ASSUMED, 0};
    return core;
}

#endif

const char *ic_cpu_features(void) {
    static const char *const x86[8] = {"",        "avx2",         "fma",         "avx2,fma",
                                       "avx512f", "avx2,avx512f", "fma,avx512f", "avx2,fma,avx512f"};
    const unsigned found = ic_core_features();
    const char *const arm = found & IC_CPU_VFPV4 ? "neon,vfpv4" : "neon";
    return found & IC_CPU_NEON ? arm : x86[found & 7];
}
