/* SPDX-License-Identifier: Apache-2.0
 * SSE, which every x86-64 CPU has, 4 pixels by 8 channels: 8 accumulators, 2 vectors of B, 1 value of A and products of
 * it in 16 registers. There is no fused multiply-add: a product is rounded before it is added. */
#include <emmintrin.h>

#define IC_TILE ic_sse_4x8
#define IC_DEPTHWISE ic_sse_depthwise
#define IC_WINOGRAD ic_sse_winograd
#define IC_FFT ic_sse_fft
#define IC_FFT_ISA "sse"
#define IC_ROWS 4
#define IC_VECTORS 2
#define IC_FETCHES 0
#define IC_ROWS_OUTER 1
#define IC_STEPS 4
#define IC_HOLD(p, v)

#define IC_WIDTH 4
#define IC_VECTOR __m128
#define IC_LANES 1

#define IC_LOAD(p) _mm_loadu_ps(p)
#define IC_STORE(p, v) _mm_storeu_ps(p, v)
#define IC_LOAD_FIRST(p, n) load_first(p, n)
#define IC_STORE_FIRST(p, v, n) store_first(p, v, n)
#define IC_SPLAT(x) _mm_set1_ps(x)
/* min and max return their second operand when one is NaN, and when both are zeros. */
#define IC_CLAMP(v, low, high) _mm_min_ps(high, unsigned_zero(_mm_max_ps(low, v), low))
#define IC_FMA(acc, b, a) _mm_add_ps(acc, _mm_mul_ps(a, b))

/* 0 for -0 where `low` is 0: then there is nothing else with a sign, save NaN. */
static inline __m128 unsigned_zero(__m128 v, __m128 low) {
    const __m128 is_zero = _mm_cmpeq_ps(low, _mm_setzero_ps());
    return _mm_andnot_ps(_mm_and_ps(is_zero, _mm_set1_ps(-0.0f)), v);
}

static inline __m128 load_first(const float *from, unsigned count) {
    __m128 v = _mm_load_ss(from);
    if (count > 1) {
        v = _mm_unpacklo_ps(v, _mm_load_ss(from + 1));
    }
    if (count > 2) {
        v = _mm_movelh_ps(v, _mm_load_ss(from + 2));
    }
    return v;
}

static inline void store_first(float *to, __m128 v, unsigned count) {
    if (count & 2) {
        _mm_storel_pi((__m64 *)(void *)to, v);
        v = _mm_movehl_ps(v, v);
        to += 2;
    }
    if (count & 1) {
        _mm_store_ss(to, v);
    }
}
#include "tile.inc.h"
#include "depthwise.inc.h"
#include "winograd.inc.h"
#include "fft.inc.h"
