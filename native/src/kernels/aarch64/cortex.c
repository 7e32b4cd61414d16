/* SPDX-License-Identifier: Apache-2.0 */
#include "cortex.h"
#include "tile_run.h"

#define HOLDS(constant, field) _Static_assert((constant) == offsetof(ic_tile_run, field), "tile_run.h: " #field)
HOLDS(RUN_INPUT, input);
HOLDS(RUN_PADDING, padding);
HOLDS(RUN_OFFSETS, offsets);
HOLDS(RUN_BIAS, bias);
HOLDS(RUN_WEIGHTS, weights);
HOLDS(RUN_OUTPUT, output);
HOLDS(RUN_OUTPUT_OFFSETS, output_offsets);
HOLDS(RUN_TAPS, taps);
HOLDS(RUN_CHANNELS, channels);
HOLDS(RUN_WEIGHTS_GAP, weights_gap);
HOLDS(RUN_TILES, tiles);
HOLDS(RUN_INPUT_STEP, input_step);
HOLDS(RUN_OFFSET_STEP, offset_step);
HOLDS(RUN_OUTPUT_STEP, output_step);
HOLDS(RUN_OUTPUT_OFFSET_STEP, output_offset_step);
HOLDS(RUN_OUTPUT_MIN, output_min);
HOLDS(RUN_OUTPUT_MAX, output_max);
_Static_assert(sizeof(((ic_tile_run *)0)->taps) == 8, "the kernels load sizes as 64 bits");

#define DECLARE(core)                                                                                                  \
    void core##_1(const ic_tile_run *run);                                                                             \
    void core##_2(const ic_tile_run *run);                                                                             \
    void core##_3(const ic_tile_run *run);                                                                             \
    void core##_4(const ic_tile_run *run);                                                                             \
    void core##_5(const ic_tile_run *run);                                                                             \
    void core##_6(const ic_tile_run *run);                                                                             \
    void core##_7(const ic_tile_run *run);                                                                             \
    void core##_8(const ic_tile_run *run);

#define HEIGHTS(core) {core##_1, core##_2, core##_3, core##_4, core##_5, core##_6, core##_7, core##_8}

DECLARE(ic_cortex_a53)
DECLARE(ic_cortex_a55)

const ic_assembly ic_assemblies[] = {
    {"cortex-a53", HEIGHTS(ic_cortex_a53)},
    {"cortex-a55", HEIGHTS(ic_cortex_a55)},
    {NULL, {NULL}},
};
