/* SPDX-License-Identifier: Apache-2.0
 * What is known of an object (a variant whatever its cache mode) on a layer, and what its records call it. */
#ifndef CONVBENCH_OBJECT_STATE_H
#define CONVBENCH_OBJECT_STATE_H

#include "conductor/identity.h"
#include "conductor/variant.h"
#include "wire/plan.h"

typedef struct {
    bool judged;   /* its check was tried, whatever came of it */
    bool usable;   /* checked and right, and no worker crashed or hung over it */
    bool hindered; /* it could not be checked, and not by its own doing */
    uint64_t checksum;
    bool no_checksum;                                                   /* of a foreign program that gives none */
    char algorithm[PLAN_PROGRAM], method[16], kernel[64], schedule[64]; /* that run; "": not known yet */
    char name[VARIANT_NAME];                                            /* of the variant in records, by what runs */
    char asked[VARIANT_NAME];
} object_state;

/* What records of a variant, of that object, on a layer are about; of every cache mode. */
identity object_state_identity(object_state *known, const plan *p, unsigned launch, unsigned layer, unsigned variant,
                               const char *build);

/* What a worker says that it runs. */
typedef struct {
    const char *algorithm, *method, *kernel, *schedule;
} choice;

typedef enum {
    OBJECT_NOTED,
    OBJECT_CHANGED, /* something else was chosen before */
    OBJECT_TWICE    /* another variant of the build has the name */
} object_state_noted;

/* Notes what runs, and the variant's name by it, in `of_layer[object]`, the objects of one layer; else the reason.
 */
object_state_noted object_state_note(object_state *of_layer, const plan *p, unsigned object, const choice *made,
                                     char *reason, size_t room);

#endif
