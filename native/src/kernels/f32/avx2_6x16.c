/* SPDX-License-Identifier: Apache-2.0
 * AVX2 and FMA, 6 pixels by 16 channels: 12 accumulators, 2 vectors of B and 1 value of A in 16 registers. */
#include <immintrin.h>

#define IC_TILE ic_avx2_6x16
#define IC_DEPTHWISE ic_avx2_depthwise
#define IC_WINOGRAD ic_avx2_winograd
#define IC_FFT ic_avx2_fft
#define IC_FFT_ISA "avx2"
#define IC_ROWS 6
#define IC_VECTORS 2
#define IC_FETCHES IC_GAINS_WEIGHTS
#define IC_ROWS_OUTER 1
#define IC_STEPS 4
#define IC_HOLD(p, v)

#define IC_WIDTH 8
#define IC_VECTOR __m256
#define IC_LANES 1

#define IC_LOAD(p) _mm256_loadu_ps(p)
#define IC_STORE(p, v) _mm256_storeu_ps(p, v)
#define IC_LOAD_FIRST(p, n) load_first(p, n)
#define IC_STORE_FIRST(p, v, n) store_first(p, v, n)
#define IC_SPLAT(x) _mm256_set1_ps(x)
/* min and max return their second operand when one is NaN, and when both are zeros. */
#define IC_CLAMP(v, low, high) _mm256_min_ps(high, unsigned_zero(_mm256_max_ps(low, v), low))
#define IC_FMA(acc, b, a) _mm256_fmadd_ps(a, b, acc)

/* 0 for -0 where `low` is 0: then there is nothing else with a sign, save NaN. */
static inline __m256 unsigned_zero(__m256 v, __m256 low) {
    const __m256 is_zero = _mm256_cmp_ps(low, _mm256_setzero_ps(), _CMP_EQ_OQ);
    return _mm256_andnot_ps(_mm256_and_ps(is_zero, _mm256_set1_ps(-0.0f)), v);
}

static inline __m256 load_first(const float *from, unsigned count) {
    const __m256i wanted = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    return _mm256_maskload_ps(from, wanted);
}

/* Not by a masked store: that is dozens of micro-operations on AMD. */
static inline void store_first(float *to, __m256 v, unsigned count) {
    __m128 left = _mm256_castps256_ps128(v);
    if (count & 4) {
        _mm_storeu_ps(to, left);
        left = _mm256_extractf128_ps(v, 1);
        to += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)(void *)to, left);
        left = _mm_movehl_ps(left, left);
        to += 2;
    }
    if (count & 1) {
        _mm_store_ss(to, left);
    }
}
#include "tile.inc.h"
#include "depthwise.inc.h"
#include "winograd.inc.h"
#include "fft.inc.h"
