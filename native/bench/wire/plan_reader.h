/* SPDX-License-Identifier: Apache-2.0
 * A plan while it is read, line by line. */
#ifndef CONVBENCH_PLAN_READER_H
#define CONVBENCH_PLAN_READER_H

#include "wire/fields.h"
#include "wire/plan.h"

#define PLAN_COUNT_LIMIT 1000000 /* of whatever has a number */

typedef struct {
    plan *p;
    fields f;                                /* of the line; its first fault is the line's */
    bool run, measure, gate, max_khz, tuned; /* there was such a line */
} plan_reader;

void plan_once(plan_reader *r, bool *seen); /* a second line of the word is a fault */
char *plan_kept(const char *text);          /* a copy, for good */

/* A new element, all zeros, at the end of an array. */
#define PLAN_APPEND(array, count) ((array) = plan_grown((array), (count), sizeof *(array)), &(array)[(count)++])
void *plan_grown(void *array, unsigned count, size_t size);

#endif
