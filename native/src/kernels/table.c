/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/table.h"

#include "core/core.h"
#include "core/error.h"
#include "kernels/f32/f32.h"

#include <string.h>

/* Costs: elements per vector; vectors multiplied and loaded per cycle; cycles of a multiplication; values of A per
 * load; whole panels only; speed against this model on cores out of order, A53 and A55 (benchmarks/aarch64 for the
 * latter).
 */
/* clang-format off */
static const ic_kernel kernels[] = {
#if defined(__x86_64__)
    {"avx512_6x64", IC_TYPE_F32, "avx512", "avx512f", IC_CPU_AVX512F, 6, 64, ic_f32_pack, ic_avx512_6x64, 6, ic_avx512_depthwise, IC_GAINS_IMAGES | IC_GAINS_WEIGHTS, {16, 1, 2, 4, 1, false, {1, 1, 1}}},
    {"avx2_6x16", IC_TYPE_F32, "avx2", "avx2,fma", IC_CPU_AVX2 | IC_CPU_FMA, 6, 16, ic_f32_pack, ic_avx2_6x16, 6, ic_avx2_depthwise, IC_GAINS_WEIGHTS, {8, 2, 2, 4, 1, false, {0.9f, 1, 1}}},
    {"sse_4x8", IC_TYPE_F32, "sse", "", 0, 4, 8, ic_f32_pack, ic_sse_4x8, 4, ic_sse_depthwise, 0, {4, 1, 2, 4, 1, false, {1, 1, 1}}},
#elif defined(__aarch64__)
    {"neon_6x16", IC_TYPE_F32, "neon", "neon", IC_CPU_NEON, 6, 16, ic_f32_pack, ic_neon_6x16, 6, ic_neon_depthwise, 0, {4, 2, 2, 4, 4, false, {1, 0.48f, 0.6f}}},
    {"neon_8x8_a53", IC_TYPE_F32, "neon", "neon", IC_CPU_NEON, 8, 8, ic_f32_pack, ic_neon_8x8_a53, 6, ic_neon_depthwise, 0, {4, 2, 2, 4, 4, true, {0.7f, 0.75f, 0.6f}}},
    {"neon_8x8_a55", IC_TYPE_F32, "neon", "neon", IC_CPU_NEON, 8, 8, ic_f32_pack, ic_neon_8x8_a55, 6, ic_neon_depthwise, 0, {4, 2, 2, 4, 4, true, {0.7f, 0.55f, 1}}},
#elif defined(__arm__)
    {"neon_4x8", IC_TYPE_F32, "neon", "neon", IC_CPU_NEON, 4, 8, ic_f32_pack, ic_neon_4x8, 4, ic_neon_depthwise, 0, {4, 2, 2, 4, 4, false, {1, 1, 1}}},
    {"vfpv4_4x8", IC_TYPE_F32, "vfpv4", "neon,vfpv4", IC_CPU_NEON | IC_CPU_VFPV4, 4, 8, ic_f32_pack, ic_vfpv4_4x8, 4, ic_vfpv4_depthwise, 0, {4, 2, 2, 4, 1, false, {1, 0.7f, 0.7f}}},
#endif
    {"scalar_4x4", IC_TYPE_F32, "scalar", "", 0, 4, 4, ic_f32_pack, ic_scalar_4x4, 4, ic_scalar_depthwise, 0, {1, 1, 1, 4, 1, false, {1, 1, 1}}},
};
/* clang-format on */

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

unsigned ic_kernel_count(void) {
    return sizeof kernels / sizeof kernels[0];
}

ic_status ic_kernel_get_info(unsigned index, ic_kernel_info *info) {
    const ic_kernel *kernel = ic_kernel_table(index);
    if (info == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "info is NULL");
    }
    if (info->struct_size != sizeof *info) {
        return ic_fail(IC_INVALID_ARGUMENT, "info.struct_size=%zu is not %zu", info->struct_size, sizeof *info);
    }
    if (kernel == NULL) {
        return ic_fail(IC_UNKNOWN_KERNEL, "index=%u: there are %u kernels", index, ic_kernel_count());
    }
    info->name = kernel->name;
    info->isa = kernel->isa;
    info->features = kernel->features;
    info->type = kernel->type;
    info->rows = kernel->rows;
    info->columns = kernel->columns;
    info->is_supported = (kernel->needs & ~ic_core_features()) == 0;
    return IC_OK;
}
