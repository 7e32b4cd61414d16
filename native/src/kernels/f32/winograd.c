/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/f32/winograd.h"

#include <string.h>

const ic_winograd_transforms *ic_winograd_transforms_of(const ic_kernel *kernel) {
    static const struct {
        const char *isa;
        const ic_winograd_transforms *transforms;
    } all[] = {
#if defined(__x86_64__)
        {"avx512", &ic_avx512_winograd},
        {"avx2", &ic_avx2_winograd},
        {"sse", &ic_sse_winograd},
#elif defined(__aarch64__)
        {"neon", &ic_neon_winograd},
#elif defined(__arm__)
        {"neon", &ic_neon_winograd},
        {"vfpv4", &ic_vfpv4_winograd},
#endif
        {"scalar", &ic_scalar_winograd},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].isa, kernel->isa) == 0) {
            return all[i].transforms;
        }
    }
    return NULL;
}

/* What the weights of a row become at each point but the last one, a: (1, a, a^2) over the product of a's distances to
 * the other points. At the last one, infinity, it is the third of them. */
static const double points[IC_WINOGRAD_TILES][IC_WINOGRAD_MOST_POINTS - 1][IC_WINOGRAD_TAPS] = {
    {{-1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}},
    {{1, 0, 0},
     {1 / 3.0, 1 / 3.0, 1 / 3.0},
     {-1 / 3.0, 1 / 3.0, -1 / 3.0},
     {-16 / 15.0, -8 / 15.0, -4 / 15.0},
     {1 / 15.0, -2 / 15.0, 4 / 15.0}},
    {{-1, 0, 0},
     {-2 / 9.0, -2 / 9.0, -2 / 9.0},
     {-2 / 9.0, 2 / 9.0, -2 / 9.0},
     {32 / 45.0, 16 / 45.0, 8 / 45.0},
     {32 / 45.0, -16 / 45.0, 8 / 45.0},
     {1 / 90.0, 1 / 45.0, 2 / 45.0},
     {1 / 90.0, -1 / 45.0, 2 / 45.0}},
};

void ic_winograd_weights(unsigned tile, const float *weights, size_t step, float *at_points) {
    static const double infinity[IC_WINOGRAD_TAPS] = {0, 0, 1};
    const double (*rows)[IC_WINOGRAD_TAPS] = points[ic_winograd_index(tile)];
    const unsigned n = tile + IC_WINOGRAD_TAPS - 1;
    double half[IC_WINOGRAD_MOST_POINTS][IC_WINOGRAD_TAPS]; /* by point of the columns, then kernel row */
    for (unsigned j = 0; j < n; j++) {
        const double *by = j + 1 < n ? rows[j] : infinity;
        for (unsigned y = 0; y < IC_WINOGRAD_TAPS; y++) {
            const float *row = weights + (size_t)y * IC_WINOGRAD_TAPS * step;
            half[j][y] = by[0] * (double)row[0] + by[1] * (double)row[step] + by[2] * (double)row[2 * step];
        }
    }
    for (unsigned i = 0; i < n; i++) {
        const double *by = i + 1 < n ? rows[i] : infinity;
        for (unsigned j = 0; j < n; j++) {
            at_points[i * n + j] = (float)(by[0] * half[j][0] + by[1] * half[j][1] + by[2] * half[j][2]);
        }
    }
}
