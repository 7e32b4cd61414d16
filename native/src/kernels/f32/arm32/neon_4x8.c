/* SPDX-License-Identifier: Apache-2.0
 * By vmla, which multiplies by one value of a vector: 2 channels of each row of A, in half a register, and 2 vectors of
 * B at a time. A product is rounded before it is added. */
#define IC_TILE ic_neon_4x8
#define IC_DEPTHWISE ic_neon_depthwise
#define IC_WINOGRAD ic_neon_winograd
#define IC_FFT ic_neon_fft
#define IC_FFT_ISA "neon"
#define IC_LANES 2
#define IC_LOAD_LANES(p) vld1_f32(p)
#define IC_FMA(acc, b, a) vmlaq_f32(acc, b, a)
#define IC_FMA_LANE(acc, b, a, lane) vmlaq_lane_f32(acc, b, a, lane)

#include "neon_4x8.inc.h"
