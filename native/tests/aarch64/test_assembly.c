/* SPDX-License-Identifier: Apache-2.0
 * The assembly kernels by themselves: every height, channels around the blocks, taps, tiles, padding and clamps. Bits
 * are compared with plain C in the same order; memory ends at pages without access; registers are checked. */
#include "../check.h"
#include "kernels/f32/aarch64/cortex.h"

#include <math.h>
#include <string.h>

#define COLUMNS 8u

uint64_t checked_call(ic_micro_kernel kernel, const ic_tile_run *run);

typedef struct {
    size_t channels, taps, tiles, rows;
    bool steps_input;  /* as im2col: one set of offsets, the input moves on */
    bool is_table;     /* offsets tap by tap; else tile by tile */
    bool scatters;     /* pixels go anywhere; else the output moves on */
    size_t gap;        /* rows of weights passed over after a tap */
    size_t panel_step; /* floats of bias and weights from tile to tile */
    bool clamps;
    placement place;
} tile_case;

typedef struct {
    ic_tile_run run;
    float *input, *padding, *bias, *weights, *output;
    ptrdiff_t *offsets, *output_offsets;
    size_t inputs, biases, weights_count, outputs, entries, output_entries, output_stride;
} tile_memory;

static tile_memory new_memory(const tile_case *c, uint64_t *state) {
    tile_memory m;
    const size_t step = c->steps_input ? c->channels + 3 : 0;
    const size_t stride = COLUMNS + (c->channels + c->tiles) % 4, pixels = c->tiles * c->rows;
    const size_t taps = c->taps == 0 ? 1 : c->taps;
    const size_t reach = taps * c->rows * c->channels; /* of one tile's offsets */
    m.inputs = reach + (c->tiles - 1) * step;
    /* No gap is read after the last tap; and one float where there are no taps, for memory cannot be empty. */
    const size_t panels = (c->tiles - 1) * c->panel_step;
    m.weights_count = panels + (c->taps == 0 ? 1 : (c->taps * c->channels + (c->taps - 1) * c->gap) * COLUMNS);
    m.biases = COLUMNS + panels;
    m.output_stride = stride;
    m.outputs = (pixels - 1) * stride + COLUMNS;
    m.output_entries = c->scatters ? pixels : c->rows;
    const size_t sets = c->steps_input ? 1 : c->tiles;
    m.entries = taps * c->rows * sets;
    m.input = guarded_new(m.inputs * sizeof(float), c->place);
    m.padding = guarded_new(c->channels * sizeof(float), c->place);
    m.bias = guarded_new(m.biases * sizeof(float), c->place);
    m.weights = guarded_new(m.weights_count * sizeof(float), c->place);
    m.output = guarded_new(m.outputs * sizeof(float), c->place);
    m.offsets = guarded_new(m.entries * sizeof(ptrdiff_t), c->place);
    m.output_offsets = guarded_new(m.output_entries * sizeof(ptrdiff_t), c->place);
    fill(m.input, m.inputs, VALUES_FLOAT, state);
    fill(m.padding, c->channels, VALUES_FLOAT, state); /* not zeros: whether it is read must show */
    fill(m.bias, m.biases, VALUES_FLOAT, state);
    fill(m.weights, m.weights_count, VALUES_FLOAT, state);
    for (size_t i = 0; i < m.entries; i++) {
        const size_t at = random_next(state) % (reach - c->channels + 1);
        m.offsets[i] = random_range(state, 0, 3) == 0 ? IC_PADDING_ENTRY : (ptrdiff_t)(at * sizeof(float));
    }
    m.offsets[0] = 0;
    m.offsets[m.entries - 1] = (ptrdiff_t)((reach - c->channels) * sizeof(float));
    const size_t first = c->scatters ? random_next(state) % pixels : 0; /* scattered: turned by that many pixels */
    for (size_t i = 0; i < m.output_entries; i++) {
        m.output_offsets[i] = (ptrdiff_t)((i + first) % pixels * stride * sizeof(float));
    }
    m.run = (ic_tile_run){.input = m.input,
                          .padding = m.padding,
                          .offsets = m.offsets,
                          .bias = m.bias,
                          .weights = m.weights,
                          .weights_gap = c->gap * COLUMNS,
                          .output = m.output,
                          .output_offsets = m.output_offsets,
                          .output_step = c->scatters ? 0 : c->rows * stride * sizeof(float),
                          .output_offset_step = c->scatters ? c->rows : 0,
                          .taps = c->taps,
                          .tap_entries = c->rows * (c->is_table ? sets : 1),
                          .channels = c->channels,
                          .tiles = c->tiles,
                          .input_step = step * sizeof(float),
                          .offset_step = c->steps_input ? 0 : c->rows * (c->is_table ? 1 : c->taps),
                          .panel_step = c->panel_step,
                          .rows = (unsigned)c->rows,
                          .columns = COLUMNS,
                          .output_min = c->clamps ? -0.5f : -INFINITY,
                          .output_max = c->clamps ? 0.75f : INFINITY};
    return m;
}

static void free_memory(const tile_case *c, tile_memory *m) {
    guarded_free(m->input, m->inputs * sizeof(float));
    guarded_free(m->padding, c->channels * sizeof(float));
    guarded_free(m->bias, m->biases * sizeof(float));
    guarded_free(m->weights, m->weights_count * sizeof(float));
    guarded_free(m->output, m->outputs * sizeof(float));
    guarded_free(m->offsets, m->entries * sizeof(ptrdiff_t));
    guarded_free(m->output_offsets, m->output_entries * sizeof(ptrdiff_t));
}

/* Of a pixel counted in the order of tiles and rows. */
static float reference(const tile_memory *m, size_t pixel, size_t column) {
    const ic_tile_run *run = &m->run;
    const size_t tile = pixel / run->rows, row = pixel % run->rows;
    const size_t panel = tile * run->panel_step;
    const float *weights = m->weights + panel + column;
    float sum = m->bias[panel + column];
    for (size_t tap = 0; tap < run->taps; tap++) {
        const ptrdiff_t entry = m->offsets[tile * run->offset_step + tap * run->tap_entries + row];
        const float *a = entry == IC_PADDING_ENTRY
                             ? m->padding
                             : m->input + (tile * run->input_step + (size_t)entry) / sizeof(float);
        for (size_t k = 0; k < run->channels; k++) {
            sum = fmaf(a[k], *weights, sum);
            if (k + 1 != run->channels || tap + 1 != run->taps) {
                weights += COLUMNS;
            }
        }
        if (tap + 1 != run->taps) {
            weights += run->weights_gap;
        }
    }
    sum = sum < run->output_min ? run->output_min : sum;
    return sum > run->output_max ? run->output_max : sum;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void check_output(const ic_assembly *kernel, const tile_case *c, const tile_memory *m) {
    for (size_t i = 0; i < m->outputs; i++) {
        const size_t at = i / m->output_stride, column = i % m->output_stride, pixels = c->tiles * c->rows;
        const size_t first = c->scatters ? (size_t)m->output_offsets[0] / sizeof(float) / m->output_stride : 0;
        const size_t pixel = (at + pixels - first) % pixels;
        const bool inside = column < COLUMNS;
        const float wanted = inside ? reference(m, pixel, column) : 0;
        const bool same = inside && isnan(wanted) ? isnan(m->output[i]) && bits_of(m->output[i]) != UINT32_MAX
                                                  : bits_of(m->output[i]) == (inside ? bits_of(wanted) : UINT32_MAX);
        if (!same) {
            fprintf(stderr, "%s, %zu rows, %zu channels, %zu taps, %zu tiles: pixel %zu column %zu: %a, wanted %a\n",
                    kernel->core, c->rows, c->channels, c->taps, c->tiles, pixel, column, (double)m->output[i],
                    (double)wanted);
            exit(1);
        }
    }
}

static void check_case_of(const ic_assembly *kernel, const tile_case *c, uint64_t *state, float poison) {
    tile_memory m = new_memory(c, state);
    if (poison != 0) {
        m.input[random_next(state) % m.inputs] = poison;
        m.weights[random_next(state) % m.weights_count] = poison;
    }
    const uint64_t harm = checked_call(kernel->tiles[c->rows - 1], &m.run);
    if (harm != 0) {
        fprintf(stderr, "%s, %zu rows: registers or stack not kept: %#llx\n", kernel->core, c->rows,
                (unsigned long long)harm);
        exit(1);
    }
    check_output(kernel, c, &m);
    free_memory(c, &m);
}

static void all_cases(const ic_assembly *kernel, placement place, float poison) {
    static const size_t channels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 19, 21, 32, 64};
    static const size_t taps[] = {0, 1, 2, 9};
    uint64_t state = 20;
    for (size_t rows = 1; rows <= 8; rows++) {
        for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
            for (size_t t = 0; t < sizeof taps / sizeof taps[0]; t++) {
                const uint32_t dice = random_range(&state, 0, 63);
                const tile_case c = {.channels = channels[i],
                                     .taps = taps[t],
                                     .tiles = 1 + (i + t) % 3,
                                     .rows = rows,
                                     .steps_input = dice % 2 != 0,
                                     .clamps = dice / 2 % 2 != 0,
                                     .scatters = dice / 4 % 2 != 0,
                                     .gap = dice / 8 % 4,
                                     .panel_step = dice % 3 == 0 ? random_range(&state, 1, 40) : 0,
                                     .is_table = dice / 32 != 0,
                                     .place = place};
                check_case_of(kernel, &c, &state, poison);
            }
        }
    }
}

static void for_kernels(const char *core, placement place, float poison) {
    bool found = false;
    for (const ic_assembly *kernel = ic_assemblies; kernel->core != NULL; kernel++) {
        if (core == NULL || strcmp(core, kernel->core) == 0) {
            all_cases(kernel, place, poison);
            found = true;
        }
    }
    CHECK(found);
}

static void before_pages(const char *core) {
    for_kernels(core, FLUSH_END, 0);
}

static void after_pages(const char *core) {
    for_kernels(core, FLUSH_START, 0);
}

static void not_finite(const char *core) {
    for_kernels(core, FLUSH_END, NAN);
    for_kernels(core, FLUSH_END, INFINITY);
}

int main(int argc, char **argv) {
    static const check_case cases[] = {
        {"before_pages", before_pages}, {"after_pages", after_pages}, {"not_finite", not_finite}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
