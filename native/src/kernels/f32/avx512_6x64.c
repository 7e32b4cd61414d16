/* SPDX-License-Identifier: Apache-2.0
 * AVX-512F, 6 pixels by 64 channels: 24 accumulators, 6 values of A and 1 vector of B in 32 registers. */
#include <immintrin.h>

#define IC_TILE ic_avx512_6x64
#define IC_DEPTHWISE ic_avx512_depthwise
#define IC_ROWS 6
#define IC_VECTORS 4
#define IC_FETCHES (IC_GAINS_IMAGES | IC_GAINS_WEIGHTS)
#define IC_ROWS_OUTER 0
#define IC_STEPS 1

#define IC_WIDTH 16
#define IC_VECTOR __m512
#define IC_LANES 1

#define IC_LOAD(p) _mm512_loadu_ps(p)
#define IC_STORE(p, v) _mm512_storeu_ps(p, v)
#define IC_LOAD_FIRST(p, n) _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1u), p)
#define IC_STORE_FIRST(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1u), v)
#define IC_SPLAT(x) _mm512_set1_ps(x)
/* min and max return their second operand when one is NaN. */
#define IC_CLAMP(v, low, high) _mm512_min_ps(high, _mm512_max_ps(low, v))
#define IC_FMA(acc, b, a) _mm512_fmadd_ps(a, b, acc)

#include "tile.inc.h"
#include "depthwise.inc.h"
