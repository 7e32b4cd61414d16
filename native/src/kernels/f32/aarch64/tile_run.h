/* SPDX-License-Identifier: Apache-2.0
 * Where the assembly kernels find the fields of ic_tile_run; cortex.c asserts that these are the struct's own. */
#ifndef IC_TILE_RUN_H
#define IC_TILE_RUN_H

#define RUN_INPUT 0
#define RUN_PADDING 8
#define RUN_OFFSETS 16
#define RUN_BIAS 24
#define RUN_WEIGHTS 32
#define RUN_OUTPUT 40
#define RUN_OUTPUT_OFFSETS 48
#define RUN_TAPS 56
#define RUN_CHANNELS 64
#define RUN_TAP_ENTRIES 72
#define RUN_WEIGHTS_GAP 80
#define RUN_TILES 88
#define RUN_INPUT_STEP 96
#define RUN_OFFSET_STEP 104
#define RUN_OUTPUT_STEP 112
#define RUN_OUTPUT_OFFSET_STEP 120
#define RUN_PANEL_STEP 128
#define RUN_OUTPUT_MIN 144
#define RUN_OUTPUT_MAX 148
#define RUN_RESUMES 152

#endif
