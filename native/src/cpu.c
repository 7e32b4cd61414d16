/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu.h"
#include "introspect.h"
#include "kernels/kernel.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* XCR0: which register state the system saves. */
static unsigned saved_state(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

unsigned ic_cpu_detect(void) {
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

#elif defined(__aarch64__)

unsigned ic_cpu_detect(void) {
    return IC_CPU_NEON; /* part of the base architecture */
}

#else

unsigned ic_cpu_detect(void) {
    return 0;
}

#endif

const char *ic_cpu_features(void) {
    static const char *const x86[8] = {"",        "avx2",         "fma",         "avx2,fma",
                                       "avx512f", "avx2,avx512f", "fma,avx512f", "avx2,fma,avx512f"};
    const unsigned found = ic_cpu_detect();
    return found & IC_CPU_NEON ? "neon" : x86[found & 7];
}
