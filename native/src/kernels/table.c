/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"

#include <string.h>

static const ic_kernel kernels[] = {
#if defined(__x86_64__)
    {"avx512_6x64", "avx512", "avx512f", IC_CPU_AVX512F, 6, 64, ic_avx512_6x64},
    {"avx2_6x16", "avx2", "avx2,fma", IC_CPU_AVX2 | IC_CPU_FMA, 6, 16, ic_avx2_6x16},
#elif defined(__aarch64__)
    {"neon_6x16", "neon", "neon", IC_CPU_NEON, 6, 16, ic_neon_6x16},
    {"neon_8x8_a53", "neon", "neon", IC_CPU_NEON, 8, 8, ic_neon_8x8_a53},
    {"neon_8x8_a55", "neon", "neon", IC_CPU_NEON, 8, 8, ic_neon_8x8_a55},
#endif
    {"scalar_4x4", "scalar", "", 0, 4, 4, ic_scalar_4x4},
};

const ic_kernel *ic_kernel_table(unsigned index) {
    return index < sizeof kernels / sizeof kernels[0] ? &kernels[index] : NULL;
}

const ic_kernel *ic_kernel_find(const char *name) {
    for (unsigned i = 0; ic_kernel_table(i) != NULL; i++) {
        if (strcmp(kernels[i].name, name) == 0) {
            return &kernels[i];
        }
    }
    return NULL;
}
