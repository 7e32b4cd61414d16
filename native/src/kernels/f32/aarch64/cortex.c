/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/f32/aarch64/cortex.h"

#include "kernels/f32/f32.h"
#include "tile_run.h"

#include <string.h>

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
HOLDS(RUN_TAP_ENTRIES, tap_entries);
HOLDS(RUN_WEIGHTS_GAP, weights_gap);
HOLDS(RUN_TILES, tiles);
HOLDS(RUN_INPUT_STEP, input_step);
HOLDS(RUN_OFFSET_STEP, offset_step);
HOLDS(RUN_OUTPUT_STEP, output_step);
HOLDS(RUN_OUTPUT_OFFSET_STEP, output_offset_step);
HOLDS(RUN_PANEL_STEP, panel_step);
HOLDS(RUN_OUTPUT_MIN, output_min);
HOLDS(RUN_OUTPUT_MAX, output_max);
HOLDS(RUN_RESUMES, resumes);
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

/* The last panel of a layer: the weights past its columns are zeros, the sums there go nowhere. */
static void run_narrow(ic_micro_kernel tile, const ic_tile_run *run) {
    enum { ROW_BYTES = IC_ASSEMBLY_COLUMNS * sizeof(float) };
    static const ptrdiff_t row_offsets[IC_ASSEMBLY_ROWS] = {
        0, ROW_BYTES, 2 * ROW_BYTES, 3 * ROW_BYTES, 4 * ROW_BYTES, 5 * ROW_BYTES, 6 * ROW_BYTES, 7 * ROW_BYTES};
    float sums[IC_ASSEMBLY_ROWS][IC_ASSEMBLY_COLUMNS] = {{0}};
    ic_tile_run one = *run;
    one.tiles = 1;
    one.output = sums[0];
    one.output_offsets = row_offsets;
    for (size_t i = 0; i < run->tiles; i++) {
        char *output = (char *)run->output + i * run->output_step;
        const ptrdiff_t *offsets = run->output_offsets + i * run->output_offset_step;
        for (unsigned r = 0; run->resumes && r < run->rows; r++) {
            memcpy(sums[r], output + offsets[r], run->columns * sizeof(float));
        }
        tile(&one);
        for (unsigned r = 0; r < run->rows; r++) {
            memcpy(output + offsets[r], sums[r], run->columns * sizeof(float));
        }
        one.input = (const char *)one.input + run->input_step;
        one.offsets += run->offset_step;
        one.bias = (const float *)one.bias + run->panel_step;
        one.weights = (const float *)one.weights + run->panel_step;
    }
}

static void run_assembly(const ic_assembly *kernel, const ic_tile_run *run) {
    const ic_micro_kernel tile = kernel->tiles[run->rows - 1];
    if (run->columns == IC_ASSEMBLY_COLUMNS) {
        tile(run);
    } else {
        run_narrow(tile, run);
    }
#ifdef IC_BROKEN_KERNEL
    /* The deliberate fault of the test build: one output of every tile. */
    for (size_t i = 0; i < run->tiles; i++) {
        const ptrdiff_t *offsets = run->output_offsets + i * run->output_offset_step;
        char *output = (char *)run->output + i * run->output_step;
        *(float *)(void *)(output + offsets[run->rows - 1]) += 1.0f;
    }
#endif
}

void ic_neon_8x8_a53(const ic_tile_run *run) {
    run_assembly(&ic_assemblies[0], run);
}

void ic_neon_8x8_a55(const ic_tile_run *run) {
    run_assembly(&ic_assemblies[1], run);
}
