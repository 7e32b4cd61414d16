/* SPDX-License-Identifier: Apache-2.0
 * The micro-kernels by themselves. Each row of a tile has a page of its own for its input and one for its output, with
 * gigabytes in between where there is room for that, so that no offset fits 32 bits and whatever is touched beside a
 * row shows. Bits are compared with plain C in the same order. */
#define _GNU_SOURCE /* MAP_NORESERVE */
#include "tiles.h"

#include "check.h"
#include "kernels/table.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FLOATS = 1024, TILES = 3, TAPS = 9, CHANNELS = 41, COLUMNS = 64, MOST_PANEL_STEP = 90 };
enum { HEAP_FLOATS = (TAPS * CHANNELS + (TAPS - 1) * 3) * COLUMNS + (TILES - 1) * MOST_PANEL_STEP };
#if PTRDIFF_MAX > INT32_MAX
#define APART ((size_t)3 << 29) /* from the fourth row on over 4 GiB away */
#else
#define APART ((size_t)16 << 20) /* an address space has 2 or 3 GiB */
#endif
#define PAGE_BYTES (FLOATS * sizeof(float)) /* what is used of a page, at its end */

/* The last floats of pages far from each other. */
static void far_pages(unsigned count, float *pages[IC_MAX_ROWS]) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at = mmap(NULL, count * APART, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(at != MAP_FAILED);
    for (unsigned i = 0; i < count; i++, at += APART) {
        CHECK(mprotect(at + page, page, PROT_READ | PROT_WRITE) == 0);
        pages[i] = (float *)(void *)(at + 2 * page - PAGE_BYTES);
    }
}

typedef struct {
    const ic_kernel *kernel;
    unsigned rows, columns;
    size_t channels, taps, tiles, gap; /* gap: weights passed over after a tap */
    bool steps;                        /* from tile to tile the input moves on, not the offsets */
    size_t tap_entries, offset_step;   /* tile by tile, or tap by tap; these may share entries */
    bool scatters;                     /* not the output, but its places */
    bool clamps;
    bool resumes;                      /* with what was in the output before */
    float before[IC_MAX_ROWS][FLOATS]; /* of the output */
    float *input[IC_MAX_ROWS], *output[IC_MAX_ROWS];
    float *padding, *bias, *weights;
    ptrdiff_t *offsets, *places;
    size_t weights_count, entries, place_count;
    size_t step, pitch; /* floats from a tile's input or output to the next one's */
    size_t panel_step;  /* the same of its bias and weights */
    float *heap[5];
    ic_tile_run run;
} tile_case;

static ptrdiff_t bytes_between(const float *from, const float *to) {
    return (ptrdiff_t)((uintptr_t)to - (uintptr_t)from);
}

/* Runs of channels anywhere in the row's page, the very last ones among them, and padding. */
static void lay_input(tile_case *c, uint64_t *state) {
    const size_t moved = c->steps ? (c->tiles - 1) * c->step : 0;
    for (size_t i = 0; i < c->entries; i++) {
        const size_t room = FLOATS - moved - c->channels, row = i % c->rows;
        const bool is_end = i + c->rows >= c->entries;
        const float *at = c->input[row] + (is_end ? room : random_next(state) % (room + 1));
        c->offsets[i] = random_range(state, 0, 4) == 0 ? IC_PADDING_ENTRY : bytes_between(c->input[0], at);
    }
}

/* The end of a buffer, before a page without access: made once, for making them takes long under emulation. */
static float *last_floats(float *heap, size_t count) {
    CHECK(count <= HEAP_FLOATS);
    return heap + HEAP_FLOATS - count;
}

static void make(tile_case *c, uint64_t *state) {
    const size_t taps = c->taps == 0 ? 1 : c->taps, columns = c->kernel->columns;
    const uint32_t dice = random_range(state, 0, 255);
    const bool is_table = dice / 128 != 0;
    c->steps = dice % 2 != 0, c->clamps = dice / 2 % 2 != 0, c->scatters = dice / 4 % 2 != 0;
    c->gap = dice / 8 % 4, c->resumes = dice / 32 % 4 == 0;
    c->step = c->channels + 3;
    c->pitch = c->columns + dice % 5;
    c->panel_step = dice % 3 == 0 ? random_range(state, 1, MOST_PANEL_STEP) : 0;
    const size_t panels = (c->tiles - 1) * c->panel_step; /* floats from the first one to the last one */
    c->weights_count = panels + (c->taps == 0 ? 1 : (c->taps * c->channels + (c->taps - 1) * c->gap) * columns);
    c->tap_entries = c->rows * (is_table ? 1 + dice % (c->tiles + 1) : 1);
    c->offset_step = c->steps ? 0 : c->rows * (is_table ? 1 : taps);
    c->entries = (taps - 1) * c->tap_entries + (c->tiles - 1) * c->offset_step + c->rows;
    c->place_count = c->rows * (c->scatters ? c->tiles : 1);
    c->padding = last_floats(c->heap[0], c->channels);
    c->bias = last_floats(c->heap[1], columns + panels);
    c->weights = last_floats(c->heap[2], c->weights_count);
    c->offsets = (ptrdiff_t *)(void *)last_floats(c->heap[3], sizeof(ptrdiff_t) / sizeof(float) * c->entries);
    c->places = (ptrdiff_t *)(void *)last_floats(c->heap[4], sizeof(ptrdiff_t) / sizeof(float) * c->place_count);
    fill(c->padding, c->channels, VALUES_FLOAT, state); /* not zeros: whether it is read must show */
    fill(c->bias, columns + panels, VALUES_FLOAT, state);
    fill(c->weights, c->weights_count, VALUES_FLOAT, state);
    lay_input(c, state);
    for (size_t i = 0; i < c->place_count; i++) {
        const size_t tile = c->scatters ? i / c->rows : 0;
        const float *first = c->output[i % c->rows] + FLOATS - c->columns - (c->tiles - 1) * c->pitch;
        c->places[i] = bytes_between(c->output[0], first + tile * c->pitch);
    }
    for (unsigned row = 0; row < c->kernel->rows; row++) {
        memset(c->output[row], 0xff, PAGE_BYTES);
        for (size_t tile = 0; c->resumes && row < c->rows && tile < c->tiles; tile++) {
            fill(c->output[row] + FLOATS - c->columns - tile * c->pitch, c->columns, VALUES_FLOAT, state);
        }
        memcpy(c->before[row], c->output[row], PAGE_BYTES);
    }
    c->run = (ic_tile_run){.input = c->input[0],
                           .padding = c->padding,
                           .offsets = c->offsets,
                           .bias = c->bias,
                           .weights = c->weights,
                           .weights_gap = c->gap * columns,
                           .output = c->output[0],
                           .output_offsets = c->places,
                           .output_step = c->scatters ? 0 : c->pitch * sizeof(float),
                           .output_offset_step = c->scatters ? c->rows : 0,
                           .taps = c->taps,
                           .tap_entries = c->tap_entries,
                           .channels = c->channels,
                           .tiles = c->tiles,
                           .input_step = c->steps ? c->step * sizeof(float) : 0,
                           .offset_step = c->offset_step,
                           .panel_step = c->panel_step,
                           .rows = c->rows,
                           .columns = c->columns,
                           .output_min = c->clamps ? -0.5f : -INFINITY,
                           .output_max = c->clamps ? 0.75f : INFINITY,
                           .resumes = c->resumes,
                           .ahead = (uintptr_t)c->weights,
                           .ahead_step = c->weights_count * sizeof(float),
                           .fetch = (ic_fetch)random_range(state, IC_FETCH_NOTHING, IC_FETCH_WEIGHTS)};
}

/* Whether a product is rounded before it is added: of these there is no fused one. */
static bool is_fused_by(const ic_kernel *kernel) {
    static const char *const others[] = {"scalar_4x4", "sse_4x8", "neon_4x8"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(kernel->name, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

static float reference(const tile_case *c, size_t tile, size_t row, size_t column) {
    const bool is_fused = is_fused_by(c->kernel);
    const size_t panel = tile * c->panel_step;
    const float *weights = c->weights + panel + column;
    const size_t start = FLOATS - c->columns - (c->tiles - 1) * c->pitch;
    float sum = c->resumes ? c->before[row][start + tile * c->pitch + column] : c->bias[panel + column];
    for (size_t tap = 0; tap < c->taps; tap++) {
        const ptrdiff_t entry = c->offsets[tile * c->offset_step + tap * c->tap_entries + row];
        const uintptr_t at = (uintptr_t)c->input[0] + tile * c->run.input_step + (uintptr_t)entry;
        const float *a = entry == IC_PADDING_ENTRY ? c->padding : (const float *)at;
        for (size_t k = 0; k < c->channels; k++) {
            const size_t n = (tap * (c->channels + c->gap) + k) * c->kernel->columns;
            sum = is_fused ? fmaf(a[k], weights[n], sum) : sum + a[k] * weights[n];
        }
    }
    sum = sum < c->run.output_min ? c->run.output_min : sum;
    return sum > c->run.output_max ? c->run.output_max : sum;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void compare(const tile_case *c) {
    const size_t start = FLOATS - c->columns - (c->tiles - 1) * c->pitch;
    for (unsigned row = 0; row < c->kernel->rows; row++) {
        for (size_t i = 0; i < FLOATS; i++) {
            const size_t tile = (i - start) / c->pitch, column = (i - start) % c->pitch;
            const bool is_output = row < c->rows && i >= start && column < c->columns;
            const uint32_t wanted = is_output ? bits_of(reference(c, tile, row, column)) : UINT32_MAX;
            if (bits_of(c->output[row][i]) != wanted) {
                fprintf(stderr,
                        "%u rows, %u columns, %zu channels, %zu taps%s: row %u float %zu is %a, wanted bits %x\n",
                        c->rows, c->columns, c->channels, c->taps, c->resumes ? ", resumed" : "", row, i,
                        (double)c->output[row][i], wanted);
                exit(1);
            }
        }
    }
}

void tiles(const char *kernel) {
    static const size_t channels[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 16, CHANNELS};
    static const size_t taps[] = {1, 2, TAPS, 0};
    static tile_case c;
    c.kernel = ic_kernel_find(kernel);
    uint64_t state = 1;
    CHECK(c.kernel != NULL && c.kernel->columns <= COLUMNS && c.kernel->rows <= IC_MAX_ROWS);
    for (size_t i = 0; i < sizeof c.heap / sizeof c.heap[0]; i++) {
        c.heap[i] = guarded_new(HEAP_FLOATS * sizeof(float), FLUSH_END);
    }
    far_pages(c.kernel->rows, c.input);
    far_pages(c.kernel->rows, c.output);
    for (unsigned row = 0; row < c.kernel->rows; row++) {
        fill(c.input[row], FLOATS, VALUES_FLOAT, &state);
    }
    size_t count = 0;
    for (c.rows = 1; c.rows <= c.kernel->rows; c.rows++) {
        for (c.columns = 1; c.columns <= c.kernel->columns; c.columns++) {
            for (size_t k = 0; k < sizeof channels / sizeof channels[0]; k++, count++) {
                c.channels = channels[k];
                c.taps = taps[(count + count / 11) % 4];
                c.tiles = 1 + random_next(&state) % TILES;
                make(&c, &state);
                c.kernel->run(&c.run);
                compare(&c);
            }
        }
    }
}
