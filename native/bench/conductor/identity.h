/* SPDX-License-Identifier: Apache-2.0
 * What a record is about: a variant on a layer. All records of one have the same fields for it. */
#ifndef CONVBENCH_IDENTITY_H
#define CONVBENCH_IDENTITY_H

#include "wire/json.h"

typedef struct {
    unsigned launch;
    const char *layer;
    const char *variant;                    /* its name, for people */
    const char *asked;                      /* what the plan asked for */
    const char *algorithm;                  /* that ran; before that is known the one asked for */
    const char *method, *kernel, *schedule; /* that ran; "": not known */
    const char *face, *element, *layout;
    unsigned threads;
    const char *build;
    const char *cache; /* "": every mode */
} identity;

void identity_write(const identity *of, json *j); /* all but the launch */

#endif
