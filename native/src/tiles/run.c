/* SPDX-License-Identifier: Apache-2.0
 * The loops around the micro-kernel: images, groups, panels of output channels, tiles.
 *
 * The work on one image and group is cut into pieces, runs of equal tiles of one region, times panels. Either the panel
 * is outside, so that its weights stay in the cache while all pixels pass; or the pixels are, in blocks, or tile by
 * tile (order.h). Passes for single taps follow one another within a panel.
 * Threads take one item after the other, of all images and groups at once: a thread that has no more to do of one goes
 * on with the next, and nobody waits in between. Only im2col's whole matrix, which all threads fill and then read, is
 * of one image and group. */
#include "tiles/run.h"

#include "core/pool.h"
#include "tiles/calls.h"
#include "tiles/matrix.h"

#include <stdatomic.h>

/* The items of all jobs, counted through; a thread looks for those that it took. */
typedef struct {
    atomic_size_t *taken;
    size_t next;    /* the item that this thread has taken */
    size_t reached; /* items of the jobs before, and of this one so far */
} turn;

static void take(turn *t) {
    t->next = atomic_fetch_add_explicit(t->taken, 1, memory_order_relaxed);
}

/* Whether the item that is reached is this thread's; the next one is reached then. */
static bool is_mine(turn *t) {
    return t->reached++ == t->next;
}

/* Pieces inside, panels outside. */
static void work_by_panel(const ic_job *j, turn *t, unsigned thread) {
    ptrdiff_t row_offsets[2 * IC_MAX_ROWS];
    ic_lay_rows(j, row_offsets);
    ic_tile_run run = ic_first_run(j, j->input, row_offsets);
    ic_cursor at = {0, 0};
    (void)thread;
    for (size_t panel = 0;;) {
        ic_piece p;
        if (!ic_next_piece(j->tiled, j->most_tiles, &at, &p)) {
            if (++panel == j->panels) {
                return;
            }
            at = (ic_cursor){0, 0};
        } else if (is_mine(t)) {
            ic_run_piece(j, j->input, &run, &p, panel);
            take(t);
        }
    }
}

/* Panels inside, pieces outside. */
static void work_by_piece(const ic_job *j, turn *t, unsigned thread) {
    const ic_tiled *tiled = j->tiled;
    ptrdiff_t row_offsets[2 * IC_MAX_ROWS];
    const char *input = j->input;
    if (tiled->matrix_block != 0) {
        input = tiled->matrix + thread * tiled->matrix_block; /* this thread's part */
    }
    ic_lay_rows(j, row_offsets);
    ic_tile_run run = ic_first_run(j, input, row_offsets);
    ic_cursor at = {0, 0};
    ic_piece p;
    while (ic_next_piece(tiled, j->most_tiles, &at, &p)) {
        if (!is_mine(t)) {
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
        take(t);
    }
}

enum { LINE = 64 }; /* bytes of a cache line */

/* Panels with all their passes are an item: a pass goes on with the sums of the one before. Those that share a cache
 * line of the output go together, or threads would take it from each other in every pass. */
static void work_by_pass(const ic_job *j, turn *t, unsigned thread) {
    ptrdiff_t row_offsets[2 * IC_MAX_ROWS];
    ic_lay_rows(j, row_offsets);
    ic_tile_run run = ic_first_run(j, j->input, row_offsets);
    (void)thread;
    const size_t bytes = j->tiled->base.schedule.kernel->columns * j->element; /* of a pixel, by a panel */
    const size_t together = bytes < LINE ? LINE / bytes : 1;
    for (size_t first = 0; first < j->panels; first += together) {
        if (!is_mine(t)) {
            continue;
        }
        for (size_t panel = first; panel < first + together && panel < j->panels; panel++) {
            ic_cursor at = {0, 0};
            ic_piece p;
            while (ic_next_piece(j->tiled, SIZE_MAX, &at, &p)) {
                ic_run_piece(j, j->input, &run, &p, panel);
            }
        }
        take(t);
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

/* All images and groups, or one. */
typedef struct {
    const ic_tiled *tiled;
    const char *input;
    char *output;
    size_t image, images, group, groups; /* the first, and how many */
    atomic_size_t taken;
} work_list;

static ic_job job_of(const work_list *list, size_t image, size_t group) {
    const ic_tiled *tiled = list->tiled;
    const ic_geometry *geometry = &tiled->base.geometry;
    const ic_conv2d_desc *desc = &tiled->base.desc;
    const size_t outputs = ic_group_outputs(desc), columns = tiled->base.schedule.kernel->columns;
    const size_t panels = outputs / columns + (outputs % columns != 0);
    const size_t panel = ic_panel_elements(&tiled->packing, tiled->base.schedule.kernel);
    const size_t element = tiled->base.element;
    const size_t input_image = geometry->input_height * geometry->input_width * desc->in_channels;
    const size_t output_image = geometry->output_height * geometry->output_width * desc->out_channels;
    ic_job j = {.tiled = tiled,
                .element = element,
                .input = list->input + (image * input_image + group * ic_group_inputs(desc)) * element,
                .output = list->output + (image * output_image + group * outputs) * element,
                .weights = (const char *)tiled->base.weights + group * panels * panel * element,
                .panel = panel,
                .row_bytes = tiled->packing.products * element,
                .panels = panels,
                .most_tiles = ic_tiles_at_once(tiled, panels)};
    if (tiled->matrix_block != 0) {
        j.image = j.input;
    }
    return j;
}

static void work(void *context, unsigned thread) {
    work_list *list = context;
    const ic_tiled *tiled = list->tiled;
    turn t = {.taken = &list->taken};
    take(&t);
    for (size_t image = list->image; image < list->image + list->images; image++) {
        for (size_t group = list->group; group < list->group + list->groups; group++) {
            ic_job j = job_of(list, image, group);
            if (tiled->matrix != NULL && tiled->matrix_block == 0) {
                j.input = tiled->matrix;
            }
            if (tiled->base.schedule.split == IC_SPLIT_TAPS) {
                work_by_pass(&j, &t, thread);
            } else if (tiled->order == IC_ORDER_PIXELS) {
                work_by_piece(&j, &t, thread);
            } else {
                work_by_panel(&j, &t, thread);
            }
        }
    }
}

static void run_through_matrix(work_list *list) {
    const ic_tiled *tiled = list->tiled;
    const ic_job j = job_of(list, list->image, list->group);
    if (ic_pool_threads(tiled->base.pool) == 1) {
        ic_fill_matrix(&tiled->base, j.input, 0, tiled->pixels, tiled->matrix);
    } else {
        copy_job copy = {tiled, j.input, 0};
        ic_pool_run(tiled->base.pool, copy_rows, &copy);
    }
    atomic_store_explicit(&list->taken, 0, memory_order_relaxed);
    ic_pool_run(tiled->base.pool, work, list);
}

void ic_run_tiled(const ic_tiled *tiled, const void *input, void *output) {
    const size_t batch = tiled->base.geometry.batch, groups = tiled->base.desc.groups;
    const bool in_place = tiled->offsets == NULL && tiled->matrix == NULL; /* one matrix of all images */
    work_list list = {
        .tiled = tiled, .input = input, .output = output, .images = in_place ? 1 : batch, .groups = groups};
    if (tiled->matrix == NULL || tiled->matrix_block != 0) {
        ic_pool_run(tiled->base.pool, work, &list);
        return;
    }
    list.images = list.groups = 1;
    for (list.image = 0; list.image < batch; list.image++) {
        for (list.group = 0; list.group < groups; list.group++) {
            run_through_matrix(&list);
        }
    }
}
