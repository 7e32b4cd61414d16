/* SPDX-License-Identifier: Apache-2.0
 * Plain C, 4 pixels by 4 channels, for any CPU of the baseline. */
#define IC_TILE ic_scalar_4x4
#define IC_DEPTHWISE ic_scalar_depthwise
#define IC_WINOGRAD ic_scalar_winograd
#define IC_FFT ic_scalar_fft
#define IC_FFT_ISA "scalar"
#define IC_ROWS 4
#define IC_VECTORS 4
#define IC_WIDTH 1
#define IC_VECTOR float
#define IC_LANES 1
#define IC_FETCHES 0
#define IC_STEPS 1
#define IC_HOLD(p, v)
#define IC_ROWS_OUTER 1

#define IC_LOAD(p) (*(p))
#define IC_STORE(p, v) (void)(*(p) = (v))
/* Neither is reached: there is nothing between 0 and 1. */
#define IC_LOAD_FIRST(p, n) ((void)(n), *(p))
#define IC_STORE_FIRST(p, v, n) (void)(n)
#define IC_SPLAT(x) (x)
#define IC_CLAMP(v, low, high) clamp(v, low, high)
#define IC_FMA(acc, b, a) ((acc) + (a) * (b))

static inline float clamp(float value, float low, float high) {
    const float raised = value <= low ? low : value; /* of two zeros, low */
    return raised > high ? high : raised;
}

#include "tile.inc.h"
#include "depthwise.inc.h"
#include "winograd.inc.h"
#include "fft.inc.h"
