/* SPDX-License-Identifier: Apache-2.0
 * What the two kernels of 32-bit Arm share: NEON, 4 pixels by 8 channels. 16 registers hold 8 accumulators, all else
 * being less than 8 of them. NEON takes subnormal numbers for zeros there, whatever FPSCR says. */
#include <arm_neon.h>

#define IC_ROWS 4
#define IC_VECTORS 2
#define IC_WIDTH 4
#define IC_VECTOR float32x4_t
#define IC_FETCHES 0
#define IC_HOLD(p, v) __asm__("" : "+r"(p), "+w"(v))
#define IC_ROWS_OUTER 1
#define IC_STEPS 1

#define IC_LOAD(p) vld1q_f32(p)
#define IC_STORE(p, v) vst1q_f32(p, v)
#define IC_LOAD_FIRST(p, n) load_first(p, n)
#define IC_STORE_FIRST(p, v, n) store_first(p, v, n)
#define IC_SPLAT(x) vdupq_n_f32(x)
#define IC_CLAMP(v, low, high) vminq_f32(high, vmaxq_f32(low, v))

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

#include "../tile.inc.h"
#include "../depthwise.inc.h"
#include "../winograd.inc.h"
#include "../fft.inc.h"
