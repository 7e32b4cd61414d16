/* SPDX-License-Identifier: Apache-2.0
 * The object, and the parts that its life cycle calls. */
#ifndef IC_CONV_H
#define IC_CONV_H

#include "core/core.h"
#include "core/geometry.h"
#include "indirectconv.h"
#include "tiles/region.h"
#include "choice/schedule.h"

#include <stdbool.h>

struct ic_conv2d {
    ic_conv2d_desc desc;
    ic_algorithm asked, algorithm; /* what was asked for, maybe auto; what runs, known once is_shaped */
    ic_schedule schedule;
    char schedule_name[IC_SCHEDULE_NAME];
    bool is_depthwise;             /* panels are of neighbouring groups, for the kernel's depthwise function */
    bool is_chosen;                /* the schedule: by reshape, for the input's size and this core */
    const ic_kernel *model_kernel; /* with is_chosen: the model's */
    ic_core core;                  /* with a kernel: the one that create ran on */
    ic_fetch fetch;                /* with the schedule's `ahead` */
    ic_allocator allocator;
    ic_pool *pool;
    const ic_tuned *tuned;
    bool is_from_table;   /* the schedule: from `tuned`, not by the model */
    ic_order order;       /* that runs, see schedule; with blocks by pixel, with another split by panel */
    ic_geometry geometry; /* valid when is_shaped */
    bool is_shaped;
    float *weights;  /* packed for the kernel; for naive OHWI, then bias */
    float *padding;  /* zeros for the longest tap; NULL where no pointer leads there */
    size_t pixels;   /* that are tiled together: of an image, or of all */
    ic_region whole; /* the one region where the pixels are not split; without table */
    const ic_region *regions;
    size_t region_count;
    void *pointers;      /* indirect: where the pixels are split the regions, then offsets */
    int64_t *offsets;    /* in `pointers`, for one image and group 0; NULL where tiles follow one another in memory */
    float *matrix;       /* im2col: [output pixel][tap][channel] of one image and group; with blocks, of one block for
                            each thread */
    size_t matrix_block; /* floats of a thread's block; 0 without blocks */
    size_t bytes[IC_MEMORY_KINDS];
};

/* Size in bytes of packed weights; false on overflow. */
bool ic_packed_weights_size(const ic_conv2d *conv, size_t *bytes);
/* Floats of one packed panel: bias, then weights. */
size_t ic_panel_floats(const ic_conv2d *conv);
void ic_pack_weights(ic_conv2d *conv, const float *weights, const float *bias);

/* From what is packed for one kernel to what is packed for another, of ic_packed_weights_size bytes with that one. */
void ic_repack_weights(const ic_conv2d *conv, const ic_kernel *from, const float *packed, const ic_kernel *to,
                       float *repacked);

/* Of `pixels` output pixels; false on overflow. */
bool ic_matrix_size(const ic_conv2d_desc *desc, size_t pixels, size_t *bytes);
/* The patches of output pixels `first` to `first + count` of one image, whose group starts at `input`. */
void ic_fill_matrix(const ic_conv2d *conv, const float *input, size_t first, size_t count, float *matrix);

/* Tiles of a piece of work at most: of a block, or what one of several threads takes of `panels` panels. */
size_t ic_tiles_at_once(const ic_conv2d *conv, size_t panels);
void ic_run_naive(const ic_conv2d *conv, const float *input, float *output);
/* Everything else. */
void ic_run_tiled(const ic_conv2d *conv, const float *input, float *output);

#endif
