/* SPDX-License-Identifier: Apache-2.0
 * NEON of arm64, 6 pixels by 16 channels: 24 accumulators, 6 vectors of A (4 channels each) and 1 of B at a time. All
 * four vectors of B at once would not fit 32 registers. */
#include <arm_neon.h>

#define IC_TILE ic_neon_6x16
#define IC_DEPTHWISE ic_neon_depthwise
#define IC_WINOGRAD ic_neon_winograd
#define IC_FFT ic_neon_fft
#define IC_FFT_ISA "neon"
#define IC_ROWS 6
#define IC_VECTORS 4
#define IC_WIDTH 4
#define IC_VECTOR float32x4_t
#define IC_LANES 4
#define IC_FETCHES 0
#define IC_ROWS_OUTER 0
#define IC_STEPS 1
#define IC_HOLD(p, v)

#define IC_LOAD(p) vld1q_f32(p)
#define IC_STORE(p, v) vst1q_f32(p, v)
#define IC_LOAD_FIRST(p, n) load_first(p, n)
#define IC_STORE_FIRST(p, v, n) store_first(p, v, n)
#define IC_SPLAT(x) vdupq_n_f32(x)
#define IC_CLAMP(v, low, high) vminq_f32(high, vmaxq_f32(low, v))
#define IC_FMA(acc, b, a) vfmaq_f32(acc, b, a)
#define IC_LOAD_LANES(p) vld1q_f32(p)
#define IC_FMA_LANE(acc, b, a, lane) vfmaq_laneq_f32(acc, b, a, lane)

static inline float32x4_t load_first(const float *p, unsigned count) {
    float32x4_t v = vld1q_lane_f32(p, vdupq_n_f32(0), 0);
    if (count > 1) {
        v = vld1q_lane_f32(p + 1, v, 1);
    }
    if (count > 2) {
        v = vld1q_lane_f32(p + 2, v, 2);
    }
    return v;
}

static inline void store_first(float *p, float32x4_t v, unsigned count) {
    vst1q_lane_f32(p, v, 0);
    if (count > 1) {
        vst1q_lane_f32(p + 1, v, 1);
    }
    if (count > 2) {
        vst1q_lane_f32(p + 2, v, 2);
    }
}

#include "tile.inc.h"
#include "depthwise.inc.h"
#include "winograd.inc.h"
#include "fft.inc.h"
