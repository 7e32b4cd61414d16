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
    char algorithm[16], method[16], kernel[64], schedule[64]; /* that run; "": not known yet */
    char name[VARIANT_NAME];                                  /* of the variant in records, by what runs */
    char asked[VARIANT_NAME];
} fact;

/* What records of a variant, of the fact's unit, on a layer are about; of every cache mode. */
identity fact_identity(fact *known, const plan *p, unsigned launch, unsigned layer, unsigned variant,
                       const char *build);

/* What a worker says that it runs. */
typedef struct {
    const char *algorithm, *method, *kernel, *schedule;
} choice;

typedef enum {
    FACT_NOTED,
    FACT_CHANGED, /* something else was chosen before */
    FACT_TWICE    /* another variant of the build has the name */
} fact_status;

/* Notes what runs, and the variant's name by it, in `of_layer[unit]`, the facts of one layer by unit; else the reason.
 */
fact_status fact_note(fact *of_layer, const plan *p, unsigned unit, const choice *made, char *reason, size_t room);

#endif
