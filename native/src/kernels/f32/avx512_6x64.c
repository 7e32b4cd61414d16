/* SPDX-License-Identifier: Apache-2.0
 * AVX-512F, 6 pixels by 64 channels: 24 accumulators, 6 values of A and 1 vector of B in 32 registers. */
#include <immintrin.h>
#include <stdint.h>

#define IC_TILE ic_avx512_6x64
#define IC_DEPTHWISE ic_avx512_depthwise
#define IC_WINOGRAD ic_avx512_winograd
#define IC_FFT ic_avx512_fft
#define IC_FFT_ISA "avx512"
#define IC_ROWS 6
#define IC_VECTORS 4
#define IC_FETCHES (IC_GAINS_IMAGES | IC_GAINS_WEIGHTS)
#define IC_ROWS_OUTER 0
#define IC_STEPS 1
#define IC_HOLD(p, v)

#define IC_WIDTH 16
#define IC_VECTOR __m512
#define IC_LANES 1

#define IC_LOAD(p) _mm512_loadu_ps(p)
#define IC_STORE(p, v) _mm512_storeu_ps(p, v)
#define IC_LOAD_FIRST(p, n) _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1u), p)
#define IC_STORE_FIRST(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1u), v)
#define IC_SPLAT(x) _mm512_set1_ps(x)
/* min and max return their second operand when one is NaN, and when both are zeros. */
#define IC_CLAMP(v, low, high) _mm512_min_ps(high, unsigned_zero(_mm512_max_ps(low, v), low))
#define IC_FMA(acc, b, a) _mm512_fmadd_ps(a, b, acc)

/* 0 for -0 where `low` is 0: then there is nothing else with a sign, save NaN. */
static inline __m512 unsigned_zero(__m512 v, __m512 low) {
    const __mmask16 is_zero = _mm512_cmp_ps_mask(low, _mm512_setzero_ps(), _CMP_EQ_OQ);
    const __m512i sign = _mm512_maskz_set1_epi32(is_zero, INT32_MIN);
    return _mm512_castsi512_ps(_mm512_andnot_epi32(sign, _mm512_castps_si512(v)));
}

#include "tile.inc.h"
#include "depthwise.inc.h"
#include "winograd.inc.h"
#include "fft.inc.h"
