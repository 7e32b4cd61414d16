/* SPDX-License-Identifier: Apache-2.0
 * By vfma, the fused multiply-add of VFPv4, which gives the bits that arm64 gives. It takes whole vectors alone, so
 * each value of A is loaded into all of one: 2 vectors of B and 1 of A at a time. */
#define IC_TILE ic_vfpv4_4x8
#define IC_DEPTHWISE ic_vfpv4_depthwise
#define IC_WINOGRAD ic_vfpv4_winograd
#define IC_FFT ic_vfpv4_fft
#define IC_FFT_ISA "vfpv4"
#define IC_LANES 1
#define IC_FMA(acc, b, a) vfmaq_f32(acc, b, a)

#include "neon_4x8.inc.h"
