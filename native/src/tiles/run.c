/* SPDX-License-Identifier: Apache-2.0
 * The loops around the micro-kernel: images, groups, panels of output channels, tiles.
 *
 * The work on one image and group is cut into pieces, runs of equal tiles of one region, times panels. Either the panel
 * is outside, so that its weights stay in the cache while all pixels pass; or the pixels are, in blocks, or tile by
 * tile (order.h). Passes for single taps follow one another within a panel.
 * Threads take one item after the other. */
#include "tiles/run.h"

#include "core/pool.h"
#include "tiles/calls.h"
#include "tiles/matrix.h"

/* Pieces inside, panels outside. */
static void work_by_panel(void *context, unsigned thread) {
    ic_job *j = context;
    int64_t row_offsets[2 * IC_MAX_ROWS];
    ic_lay_rows(j, row_offsets);
    ic_tile_run run = ic_first_run(j, j->input, row_offsets);
    ic_cursor at = {0, 0};
    size_t reached = 0, panel = 0; /* items; panel of the next one */
    (void)thread;
    for (size_t item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);;) {
        ic_piece p;
        if (!ic_next_piece(j->tiled, j->most_tiles, &at, &p)) {
            if (++panel == j->panels) {
                return;
            }
            at = (ic_cursor){0, 0};
        } else if (reached++ == item) {
            ic_run_piece(j, j->input, &run, &p, panel);
            item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
        }
    }
}

/* Panels inside, pieces outside. */
static void work_by_piece(void *context, unsigned thread) {
    ic_job *j = context;
    const ic_tiled *tiled = j->tiled;
    int64_t row_offsets[2 * IC_MAX_ROWS];
    const char *input = j->input;
    if (tiled->matrix_block != 0) {
        input = tiled->matrix + thread * tiled->matrix_block; /* this thread's part */
    }
    ic_lay_rows(j, row_offsets);
    ic_tile_run run = ic_first_run(j, input, row_offsets);
    ic_cursor at = {0, 0};
    ic_piece p;
    size_t item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
    for (size_t reached = 0; ic_next_piece(tiled, j->most_tiles, &at, &p); reached++) {
        if (reached != item) {
            continue;
        }
        if (tiled->matrix_block != 0) {
            ic_fill_matrix(&tiled->base, j->image, p.pixel, p.rows * p.tiles,
                           tiled->matrix + thread * tiled->matrix_block);
        }
        if (tiled->base.schedule.block_tiles == 0) {
            ic_run_all_panels(j, input, &run, &p);
        } else {
            for (size_t panel = 0; panel < j->panels; panel++) {
                ic_run_piece(j, input, &run, &p, panel);
            }
        }
        item = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
    }
}

enum { LINE = 64 }; /* bytes of a cache line */

/* Panels with all their passes are an item: a pass goes on with the sums of the one before. Those that share a cache
 * line of the output go together, or threads would take it from each other in every pass. */
static void work_by_pass(void *context, unsigned thread) {
    ic_job *j = context;
    int64_t row_offsets[2 * IC_MAX_ROWS];
    ic_lay_rows(j, row_offsets);
    ic_tile_run run = ic_first_run(j, j->input, row_offsets);
    (void)thread;
    const size_t bytes = j->tiled->base.schedule.kernel->columns * j->element; /* of a pixel, by a panel */
    const size_t together = bytes < LINE ? LINE / bytes : 1;
    for (size_t first; (first = atomic_fetch_add_explicit(&j->taken, together, memory_order_relaxed)) < j->panels;) {
        for (size_t panel = first; panel < first + together && panel < j->panels; panel++) {
            ic_cursor at = {0, 0};
            ic_piece p;
            while (ic_next_piece(j->tiled, SIZE_MAX, &at, &p)) {
                ic_run_piece(j, j->input, &run, &p, panel);
            }
        }
    }
}

typedef struct {
    const ic_tiled *tiled;
    const char *input;
    atomic_size_t row; /* next one to copy */
} copy_job;

static void copy_rows(void *context, unsigned thread) {
    copy_job *j = context;
    const ic_geometry *geometry = &j->tiled->base.geometry;
    const size_t width = geometry->output_width;
    const size_t row_bytes = width * j->tiled->packing.products * j->tiled->base.element;
    (void)thread;
    for (size_t row; (row = atomic_fetch_add_explicit(&j->row, 1, memory_order_relaxed)) < geometry->output_height;) {
        ic_fill_matrix(&j->tiled->base, j->input, row * width, width, j->tiled->matrix + row * row_bytes);
    }
}

static void run_group(const ic_tiled *tiled, size_t group, const char *input, char *output) {
    const size_t outputs = ic_group_outputs(&tiled->base.desc), columns = tiled->base.schedule.kernel->columns;
    const size_t panels = outputs / columns + (outputs % columns != 0);
    const size_t panel = ic_panel_elements(&tiled->packing, tiled->base.schedule.kernel);
    const size_t element = tiled->base.element;
    ic_job j = {.tiled = tiled,
                .element = element,
                .input = input + group * ic_group_inputs(&tiled->base.desc) * element,
                .output = output + group * outputs * element,
                .weights = (const char *)tiled->base.weights + group * panels * panel * element,
                .panel = panel,
                .row_bytes = tiled->packing.products * element,
                .panels = panels,
                .most_tiles = ic_tiles_at_once(tiled, panels)};
    if (tiled->matrix_block != 0) {
        j.image = j.input;
    } else if (tiled->matrix != NULL) {
        if (ic_pool_threads(tiled->base.pool) == 1) {
            ic_fill_matrix(&tiled->base, j.input, 0, tiled->pixels, tiled->matrix);
        } else {
            copy_job copy = {tiled, j.input, 0};
            ic_pool_run(tiled->base.pool, copy_rows, &copy);
        }
        j.input = tiled->matrix;
    }
    ic_pool_run(tiled->base.pool,
                tiled->base.schedule.split == IC_SPLIT_TAPS ? work_by_pass
                : tiled->order == IC_ORDER_PIXELS           ? work_by_piece
                                                            : work_by_panel,
                &j);
}

void ic_run_tiled(const ic_tiled *tiled, const void *input, void *output) {
    const ic_geometry *geometry = &tiled->base.geometry;
    const ic_conv2d_desc *desc = &tiled->base.desc;
    const size_t element = tiled->base.element;
    const size_t input_bytes = geometry->input_height * geometry->input_width * desc->in_channels * element;
    const size_t output_bytes = geometry->output_height * geometry->output_width * desc->out_channels * element;
    const bool in_place = tiled->offsets == NULL && tiled->matrix == NULL; /* one matrix of all images */
    for (size_t image = 0; image < (in_place ? 1 : geometry->batch); image++) {
        for (size_t group = 0; group < desc->groups; group++) {
            run_group(tiled, group, (const char *)input + image * input_bytes, (char *)output + image * output_bytes);
        }
    }
}
