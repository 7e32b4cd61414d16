/* SPDX-License-Identifier: Apache-2.0 */
#include "tiles/calls.h"

#include <math.h>

void ic_lay_rows(const ic_job *j, ptrdiff_t row_offsets[2 * IC_MAX_ROWS]) {
    for (size_t r = 0; r < IC_MAX_ROWS; r++) {
        row_offsets[r] = (ptrdiff_t)(r * j->row_bytes);
        row_offsets[IC_MAX_ROWS + r] = (ptrdiff_t)(r * j->tiled->base.desc.out_channels * j->element);
    }
}

ic_tile_run ic_first_run(const ic_job *j, const char *input, const ptrdiff_t *row_offsets) {
    const ic_tiled *tiled = j->tiled;
    ic_tile_run run = {0};
    run.input = input;
    run.output = j->output;
    run.offsets = row_offsets;
    run.output_offsets = row_offsets + IC_MAX_ROWS;
    run.fetch = tiled->fetch;
    return run;
}

/* The weights to pass over after a tap: those of absent columns, where a row of taps is one. */
static size_t weights_gap(const ic_tiled *tiled, const ic_region *region) {
    const ic_conv2d_desc *desc = &tiled->base.desc;
    return ic_merges_taps(desc, tiled->base.schedule.split)
               ? desc->kernel_width * ic_group_inputs(desc) - region->channels
               : 0;
}

/* A table that serves more pixels than it holds has no entry that is padding (region.h). */
static bool may_read_padding(const ic_region *region) {
    const ic_tiling *tiling = &region->tiling;
    return region->length >= tiling->tall * tiling->tall_rows + tiling->low * tiling->low_rows;
}

/* As many tiles at once as the region's table has entries for, from wherever in a row the first one begins. */
static void run_by_table(const ic_job *j, const char *input, ic_tile_run *run, const ic_piece *p) {
    const ic_tiled *tiled = j->tiled;
    const ic_region *region = p->region;
    const ic_geometry *geometry = &tiled->base.geometry;
    const ptrdiff_t *entries = tiled->offsets + region->first_entry, *places = tiled->offsets + ic_first_place(region);
    const size_t input_row =
        tiled->base.desc.stride_height * geometry->input_width * tiled->base.desc.in_channels * j->element;
    const size_t output_row = geometry->output_width * tiled->base.desc.out_channels * j->element;
    char *output = run->output;
    run->padding = may_read_padding(region) ? tiled->padding : NULL;
    run->tap_entries = region->tap_entries;
    run->offset_step = run->output_offset_step = p->rows;
    size_t row = 0, first = p->pixel;
    if (region->length < first + p->rows) {
        row = first / region->width, first %= region->width;
    }
    for (size_t left = p->tiles;;) {
        const size_t fitting = (region->length - first) / p->rows;
        run->input = run->taps != 0 ? input + row * input_row : input;
        run->output = output + row * output_row;
        run->offsets = entries + first;
        run->output_offsets = places + first;
        run->tiles = left < fitting ? left : fitting;
        tiled->base.schedule.kernel->run(run);
        run->ahead += run->tiles * run->ahead_step;
        left -= run->tiles;
        if (left == 0) {
            return;
        }
        first += run->tiles * p->rows;
        row += first / region->width, first %= region->width;
    }
}

/* What a run of one panel is for the tiles of a piece, but for where they lie. */
static void begin_panel(const ic_job *j, ic_tile_run *run, const ic_piece *p, size_t panel) {
    const ic_tiled *tiled = j->tiled;
    const ic_region *region = p->region;
    const size_t columns = tiled->base.schedule.kernel->columns, outputs = ic_group_outputs(&tiled->base.desc);
    const size_t first = panel * columns;
    /* Only the last pass of several has bounds; where it is one of taps there are none. */
    const bool finishes =
        tiled->base.schedule.split != IC_SPLIT_TAPS || region + 1 == tiled->regions + tiled->region_count;
    const char *bias = j->weights + panel * j->panel * j->element;
    run->bias = bias;
    run->weights = bias + (1 + region->weights_start) * columns * j->element;
    run->weights_gap = weights_gap(tiled, region) * columns;
    run->resumes = ic_region_resumes(tiled->base.schedule.split, (size_t)(region - tiled->regions));
    run->output_min = finishes ? tiled->base.desc.output_min : -INFINITY;
    run->output_max = finishes ? tiled->base.desc.output_max : INFINITY;
    run->taps = region->taps;
    run->channels = region->channels;
    run->tiles = p->tiles;
    run->rows = p->rows;
    run->columns = (unsigned)(outputs - first < columns ? outputs - first : columns);
    run->output = j->output + first * j->element;
    const size_t weights_bytes = region->taps * region->channels * columns * j->element;
    run->ahead =
        (uintptr_t)run->weights + weights_bytes; /* the next pass reads what follows, with as many tiles or so */
    run->ahead_step = weights_bytes / p->tiles;
}

/* The first tile of a piece without split. */
static void begin_tiles(const ic_job *j, const char *input, ic_tile_run *run, const ic_piece *p) {
    const ic_tiled *tiled = j->tiled;
    if (tiled->offsets != NULL) {
        run->padding = tiled->padding;
        run->offsets = tiled->offsets + p->pixel * p->region->taps;
        run->offset_step = p->rows * p->region->taps;
        run->tap_entries = p->rows;
    } else {
        run->input = input + (tiled->matrix_block != 0 ? 0 : p->pixel * j->row_bytes);
        run->input_step = p->rows * j->row_bytes;
    }
    const size_t pixel_bytes = tiled->base.desc.out_channels * j->element;
    run->output = (char *)run->output + p->pixel * pixel_bytes;
    run->output_step = p->rows * pixel_bytes;
}

void ic_run_piece(const ic_job *j, const char *input, ic_tile_run *run, const ic_piece *p, size_t panel) {
    begin_panel(j, run, p, panel);
    if (j->tiled->base.schedule.split != IC_SPLIT_NOT) {
        run_by_table(j, input, run, p);
        return;
    }
    begin_tiles(j, input, run, p);
    j->tiled->base.schedule.kernel->run(run);
}

void ic_run_all_panels(const ic_job *j, const char *input, const ic_tile_run *first, const ic_piece *p) {
    const ic_kernel *kernel = j->tiled->base.schedule.kernel;
    const size_t wide = ic_group_outputs(&j->tiled->base.desc) / kernel->columns;
    ic_tile_run of_wide = *first, of_last = *first;
    begin_panel(j, &of_wide, p, 0);
    begin_tiles(j, input, &of_wide, p);
    begin_panel(j, &of_last, p, j->panels - 1);
    begin_tiles(j, input, &of_last, p);
    const ic_tile_run step = of_wide; /* from tile to tile */
    of_wide.tiles = wide;
    of_wide.panel_step = j->panel;
    of_wide.input_step = of_wide.offset_step = 0;
    of_wide.output_step = kernel->columns * j->element;
    of_last.tiles = 1;
    for (size_t left = p->tiles;;) {
        if (wide != 0) {
            kernel->run(&of_wide);
        }
        if (wide != j->panels) {
            kernel->run(&of_last);
        }
        if (--left == 0) {
            return;
        }
        of_wide.input = of_last.input = (const char *)of_last.input + step.input_step;
        of_wide.offsets = of_last.offsets = of_last.offsets + step.offset_step;
        of_wide.output = (char *)of_wide.output + step.output_step;
        of_last.output = (char *)of_last.output + step.output_step;
    }
}
