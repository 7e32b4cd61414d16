/* SPDX-License-Identifier: Apache-2.0
 * What an object computes with: what was asked for by name, the default, or what table or model choose for a size. */
#ifndef IC_CHOOSER_H
#define IC_CHOOSER_H

#include "choice/tuned.h"
#include "core/core.h"

typedef struct {
    ic_algorithm asked;            /* maybe auto */
    const ic_tuned *tuned;         /* NULL: none, or not asked for auto */
    ic_core core;                  /* with a kernel: the one that create ran on */
    const ic_kernel *model_kernel; /* NULL: the schedule was named, or is the default; it stays */
    double allowed_error;          /* of auto, as of ic_options */
    bool is_from_table;            /* the latest choice: from `tuned`, not by the model */
} ic_chooser;

/* As far as it doesn't depend on the input's size. */
ic_status ic_begin_choice(const ic_conv2d_desc *desc, const ic_options *options, ic_chooser *chooser,
                          ic_schedule *schedule);

/* Indirect with regions, maybe by choice. */
bool ic_may_have_regions(const ic_chooser *chooser, const ic_schedule *schedule);

/* With a model's kernel: algorithm and schedule for one input size, by the table, where it knows the layer, else by the
 * model. */
ic_tuned_choice ic_choose(ic_chooser *chooser, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                          unsigned threads);

#endif
