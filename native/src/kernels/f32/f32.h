/* SPDX-License-Identifier: Apache-2.0
 * The kernels of f32: tiles, those of depthwise convolutions, transforms, and the loops of naive. */
#ifndef IC_F32_H
#define IC_F32_H

#include "core/geometry.h"
#include "kernels/fft.h"
#include "kernels/kernel.h"

void ic_f32_pack(void *packed, const void *rows, size_t columns, size_t count, size_t depth);

void ic_scalar_4x4(const ic_tile_run *run);
void ic_avx2_6x16(const ic_tile_run *run);
void ic_avx512_6x64(const ic_tile_run *run);
void ic_sse_4x8(const ic_tile_run *run);
void ic_neon_4x8(const ic_tile_run *run);
void ic_vfpv4_4x8(const ic_tile_run *run);
void ic_neon_6x16(const ic_tile_run *run);
void ic_neon_8x8_a53(const ic_tile_run *run);
void ic_neon_8x8_a55(const ic_tile_run *run);

void ic_scalar_depthwise(const ic_depthwise_run *run);
void ic_avx2_depthwise(const ic_depthwise_run *run);
void ic_avx512_depthwise(const ic_depthwise_run *run);
void ic_sse_depthwise(const ic_depthwise_run *run);
void ic_vfpv4_depthwise(const ic_depthwise_run *run);
void ic_neon_depthwise(const ic_depthwise_run *run);

extern const ic_fft_kernels ic_scalar_fft, ic_avx2_fft, ic_avx512_fft, ic_sse_fft, ic_vfpv4_fft, ic_neon_fft;

/* All outputs of a batch, one after the other; the weights as they are given, then the bias. */
void ic_f32_loops(const ic_conv2d_desc *desc, const ic_geometry *geometry, const void *weights, const void *input,
                  void *output);

#endif
