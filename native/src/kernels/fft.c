/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fft.h"

#include "kernels/f32/f32.h"

#include <string.h>

const ic_fft_kernels *ic_fft_kernels_of(const ic_kernel *kernel) {
    static const ic_fft_kernels *const all[] = {
#if defined(__x86_64__)
        &ic_avx512_fft,
        &ic_avx2_fft,
        &ic_sse_fft,
#elif defined(__aarch64__)
        &ic_neon_fft,
#elif defined(__arm__)
        &ic_neon_fft,
        &ic_vfpv4_fft,
#endif
        &ic_scalar_fft,
    };
    size_t i = 0;
    while (strcmp(all[i]->isa, kernel->isa) != 0) { /* every kernel's has some */
        i++;
    }
    return all[i];
}
