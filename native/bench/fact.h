/* SPDX-License-Identifier: Apache-2.0
 * What is known of a unit (a variant whatever its cache mode) on a layer, and what its records call it. */
#ifndef CONVBENCH_FACT_H
#define CONVBENCH_FACT_H

#include "emit.h"
#include "plan.h"
#include "variant.h"

typedef struct {
    bool usable;   /* checked and right, and no worker crashed or hung over it */
    bool hindered; /* it could not be checked, and not by its own doing */
    uint64_t checksum;
    char algorithm[16], kernel[64]; /* that run */
    char name[VARIANT_NAME];        /* of the variant in records */
    char asked[VARIANT_NAME];       /* the same before it is known what runs */
} fact;

/* What records of a variant, of the fact's unit, on a layer are about. */
subject fact_subject(fact *known, const plan *p, unsigned launch, unsigned layer, unsigned variant, const char *build);

typedef enum {
    FACT_NOTED,
    FACT_CHANGED, /* something else was chosen before */
    FACT_TWICE    /* another variant of the build has the name */
} fact_status;

/* Notes what runs, and the variant's name by it, in `of_layer[unit]`, the facts of one layer by unit; else the reason.
 */
fact_status fact_note(fact *of_layer, const plan *p, unsigned unit, const char *algorithm, const char *kernel,
                      char *reason, size_t room);

#endif
