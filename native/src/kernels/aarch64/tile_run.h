/* SPDX-License-Identifier: Apache-2.0
 * Where the assembly kernels find the fields of ic_tile_run; cortex.c asserts that these are the struct's own. */
#ifndef IC_TILE_RUN_H
#define IC_TILE_RUN_H

#define RUN_INPUT 0
#define RUN_PADDING 8
#define RUN_OFFSETS 16
#define RUN_WEIGHTS 24
#define RUN_OUTPUT 32
#define RUN_OUTPUT_STRIDE 40
#define RUN_TAPS 48
#define RUN_CHANNELS 56
#define RUN_TILES 64
#define RUN_INPUT_STEP 72
#define RUN_OFFSET_STEP 80
#define RUN_OUTPUT_MIN 96
#define RUN_OUTPUT_MAX 100

#endif
