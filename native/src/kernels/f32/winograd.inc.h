/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms, written once, of the same instruction set as the file's other kernels: include it after
 * tile.inc.h, and with
 *
 *   IC_WINOGRAD   name of the table
 *
 * A transform goes over the rows, then over the columns of what that gave, which waits in the first cache: a vector of
 * channels of all points would not fit the registers. Factors are whole numbers of sixteenths, so that none is rounded;
 * common parts of the points' polynomials are computed once. */
#include "kernels/f32/winograd.h"

/* acc + a * b, of a constant b. */
#define IC_TIMES(acc, a, b) IC_FMA(acc, a, IC_SPLAT(b))

/* Points 0, 1, -1 and infinity. */
static inline __attribute__((always_inline)) void patch_2(const IC_VECTOR d[4], IC_VECTOR v[4]) {
    v[0] = d[2] - d[0];
    v[1] = d[2] + d[1];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
}

static inline __attribute__((always_inline)) void outputs_2(const IC_VECTOR s[4], IC_VECTOR y[2]) {
    y[0] = s[0] + (s[1] + s[2]);
    y[1] = (s[1] - s[2]) + s[3];
}

/* Points 0, 1, -1, 1/2, -2 and infinity: u is x^2 - 1, w that times (x - 1/2)(x + 2). */
static inline __attribute__((always_inline)) void patch_4(const IC_VECTOR d[6], IC_VECTOR v[6]) {
    const IC_VECTOR u0 = d[2] - d[0], u1 = d[3] - d[1], u2 = d[4] - d[2], u3 = d[5] - d[3];
    const IC_VECTOR w0 = IC_TIMES(u0, d[1], 1.5f), w1 = IC_TIMES(u1, d[2], 1.5f), w2 = IC_TIMES(u2, d[3], 1.5f),
                    w3 = IC_TIMES(u3, d[4], 1.5f);
    v[0] = w2 - w0;
    v[1] = w2 + w1;
    v[2] = w2 - w1;
    v[3] = IC_TIMES(u2, u1, 2.0f);
    v[4] = IC_TIMES(u2, u1, -0.5f);
    v[5] = w3 - w1;
}

static inline __attribute__((always_inline)) void outputs_4(const IC_VECTOR s[6], IC_VECTOR y[4]) {
    const IC_VECTOR even = s[1] + s[2], odd = s[1] - s[2];
    y[0] = (s[0] + even) + (s[3] + s[4]);
    y[1] = IC_TIMES(IC_TIMES(odd, s[3], 0.5f), s[4], -2.0f);
    y[2] = IC_TIMES(IC_TIMES(even, s[3], 0.25f), s[4], 4.0f);
    y[3] = IC_TIMES(IC_TIMES(odd, s[3], 0.125f), s[4], -8.0f) + s[5];
}

/* Points 0, 1, -1, 1/2, -1/2, 2, -2 and infinity; what a pair of them shares, at even and odd powers. */
static inline __attribute__((always_inline)) void patch_6(const IC_VECTOR d[8], IC_VECTOR v[8]) {
    const IC_VECTOR one_even = IC_TIMES(d[2] + d[6], d[4], -4.25f), one_odd = IC_TIMES(d[1] + d[5], d[3], -4.25f);
    v[0] = IC_TIMES(d[6] - d[0], d[2] - d[4], 5.25f);
    v[1] = one_even + one_odd;
    v[2] = one_even - one_odd;
    const IC_VECTOR half_even = IC_TIMES(IC_TIMES(d[6], d[4], -5.0f), d[2], 4.0f),
                    half_odd = IC_TIMES(IC_TIMES(d[5], d[3], -5.0f), d[1], 4.0f);
    v[3] = IC_TIMES(half_even, half_odd, 0.5f);
    v[4] = IC_TIMES(half_even, half_odd, -0.5f);
    const IC_VECTOR two_even = IC_TIMES(IC_TIMES(d[6], d[4], -1.25f), d[2], 0.25f),
                    two_odd = IC_TIMES(IC_TIMES(d[5], d[3], -1.25f), d[1], 0.25f);
    v[5] = IC_TIMES(two_even, two_odd, 2.0f);
    v[6] = IC_TIMES(two_even, two_odd, -2.0f);
    v[7] = IC_TIMES(d[7] - d[1], d[3] - d[5], 5.25f);
}

static inline __attribute__((always_inline)) void outputs_6(const IC_VECTOR s[8], IC_VECTOR y[6]) {
    const IC_VECTOR one_even = s[1] + s[2], one_odd = s[1] - s[2], half_even = s[3] + s[4], half_odd = s[3] - s[4],
                    two_even = s[5] + s[6], two_odd = s[5] - s[6];
    y[0] = (s[0] + one_even) + (half_even + two_even);
    y[1] = IC_TIMES(IC_TIMES(one_odd, half_odd, 0.5f), two_odd, 2.0f);
    y[2] = IC_TIMES(IC_TIMES(one_even, half_even, 0.25f), two_even, 4.0f);
    y[3] = IC_TIMES(IC_TIMES(one_odd, half_odd, 0.125f), two_odd, 8.0f);
    y[4] = IC_TIMES(IC_TIMES(one_even, half_even, 0.0625f), two_even, 16.0f);
    y[5] = IC_TIMES(IC_TIMES(one_odd, half_odd, 0.03125f), two_odd, 32.0f) + s[7];
}

/* The first `count` channels of a pixel, from `first` on. */
static inline __attribute__((always_inline)) IC_VECTOR load_channels(uintptr_t pixel, size_t first, size_t count) {
    const float *from = (const float *)pixel + first;
    return count >= IC_WIDTH ? IC_LOAD(from) : IC_LOAD_FIRST(from, (unsigned)count);
}

/* A vector of channels of a patch. `inner`: all of it lies in the image, and all of the vector are channels. */
#define IC_WINOGRAD_PATCH(m, n)                                                                                        \
    static inline __attribute__((always_inline)) void patch_vector_##m(const ic_winograd_patch *p, size_t first,       \
                                                                       const bool inner) {                             \
        IC_VECTOR rows[n][n];                                                                                          \
        const size_t count = p->channels - first;                                                                      \
        IC_NO_UNROLL                                                                                                   \
        for (unsigned i = 0; i < n; i++) {                                                                             \
            const uintptr_t row = p->corner + i * p->row_step;                                                         \
            IC_VECTOR d[n];                                                                                            \
            IC_UNROLL                                                                                                  \
            for (unsigned j = 0; j < n; j++) {                                                                         \
                const bool has =                                                                                       \
                    inner || (i >= p->first_row && i < p->end_row && j >= p->first_column && j < p->end_column);       \
                d[j] = !has ? IC_SPLAT(0) : load_channels(row + j * p->pixel_step, first, inner ? IC_WIDTH : count);   \
            }                                                                                                          \
            patch_##m(d, rows[i]);                                                                                     \
        }                                                                                                              \
        float *points = (float *)(void *)p->points + first;                                                            \
        IC_NO_UNROLL                                                                                                   \
        for (unsigned j = 0; j < n; j++) {                                                                             \
            IC_VECTOR d[n], v[n];                                                                                      \
            IC_UNROLL                                                                                                  \
            for (unsigned i = 0; i < n; i++) {                                                                         \
                d[i] = rows[i][j];                                                                                     \
            }                                                                                                          \
            patch_##m(d, v);                                                                                           \
            IC_UNROLL                                                                                                  \
            for (unsigned i = 0; i < n; i++) {                                                                         \
                IC_STORE((float *)(void *)((char *)points + (i * n + j) * p->point_step), v[i]);                       \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void patch_tile_##m(const ic_winograd_patch *p) {                                                           \
        const bool inner = p->first_row == 0 && p->end_row == n && p->first_column == 0 && p->end_column == n;         \
        const size_t whole = inner ? p->channels / IC_WIDTH * IC_WIDTH : 0;                                            \
        for (size_t first = 0; first < whole; first += IC_WIDTH) {                                                     \
            patch_vector_##m(p, first, true);                                                                          \
        }                                                                                                              \
        for (size_t first = whole; first < p->channels; first += IC_WIDTH) {                                           \
            patch_vector_##m(p, first, false);                                                                         \
        }                                                                                                              \
    }

#define IC_WINOGRAD_OUTPUTS(m, n)                                                                                      \
    static void outputs_tile_##m(const ic_winograd_outputs *o) {                                                       \
        const IC_VECTOR low = IC_SPLAT(o->output_min), high = IC_SPLAT(o->output_max);                                 \
        for (size_t first = 0; first < o->channels; first += IC_WIDTH) {                                               \
            IC_VECTOR columns[n][m];                                                                                   \
            const float *sums = (const float *)(const void *)o->sums + first;                                          \
            const size_t left = o->channels - first;                                                                   \
            IC_NO_UNROLL                                                                                               \
            for (unsigned j = 0; j < n; j++) {                                                                         \
                IC_VECTOR s[n];                                                                                        \
                IC_UNROLL                                                                                              \
                for (unsigned i = 0; i < n; i++) {                                                                     \
                    s[i] = IC_LOAD((const float *)(const void *)((const char *)sums + (i * n + j) * o->point_step));   \
                }                                                                                                      \
                outputs_##m(s, columns[j]);                                                                            \
            }                                                                                                          \
            IC_NO_UNROLL                                                                                               \
            for (unsigned i = 0; i < o->rows; i++) {                                                                   \
                float *row = (float *)(void *)(o->output + i * o->row_step) + first;                                   \
                IC_VECTOR s[n], y[m];                                                                                  \
                IC_UNROLL                                                                                              \
                for (unsigned j = 0; j < n; j++) {                                                                     \
                    s[j] = columns[j][i];                                                                              \
                }                                                                                                      \
                outputs_##m(s, y);                                                                                     \
                IC_UNROLL                                                                                              \
                for (unsigned j = 0; j < m; j++) {                                                                     \
                    const IC_VECTOR bounded = IC_CLAMP(y[j], low, high);                                               \
                    float *pixel = (float *)(void *)((char *)row + j * o->pixel_step);                                 \
                    if (j >= o->columns) {                                                                             \
                        break;                                                                                         \
                    }                                                                                                  \
                    if (left >= IC_WIDTH) {                                                                            \
                        IC_STORE(pixel, bounded);                                                                      \
                    } else {                                                                                           \
                        IC_STORE_FIRST(pixel, bounded, (unsigned)left);                                                \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

IC_WINOGRAD_PATCH(2, 4)
IC_WINOGRAD_PATCH(4, 6)
IC_WINOGRAD_PATCH(6, 8)
IC_WINOGRAD_OUTPUTS(2, 4)
IC_WINOGRAD_OUTPUTS(4, 6)
IC_WINOGRAD_OUTPUTS(6, 8)

const ic_winograd_transforms IC_WINOGRAD = {{patch_tile_2, patch_tile_4, patch_tile_6},
                                            {outputs_tile_2, outputs_tile_4, outputs_tile_6}};
