/* SPDX-License-Identifier: Apache-2.0
 * The kernels of f32: tiles, and those of depthwise convolutions. */
#ifndef IC_F32_H
#define IC_F32_H

#include "kernels/kernel.h"

void ic_scalar_4x4(const ic_tile_run *run);
void ic_avx2_6x16(const ic_tile_run *run);
void ic_avx512_6x64(const ic_tile_run *run);
void ic_neon_6x16(const ic_tile_run *run);
void ic_neon_8x8_a53(const ic_tile_run *run);
void ic_neon_8x8_a55(const ic_tile_run *run);

void ic_scalar_depthwise(const ic_depthwise_run *run);
void ic_avx2_depthwise(const ic_depthwise_run *run);
void ic_avx512_depthwise(const ic_depthwise_run *run);
void ic_neon_depthwise(const ic_depthwise_run *run);

#endif
