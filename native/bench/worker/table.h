/* SPDX-License-Identifier: Apache-2.0
 * The tuned table that a worker's auto goes by, on the CPU that the worker runs on. */
#ifndef CONVBENCH_TABLE_H
#define CONVBENCH_TABLE_H

#include "indirectconv.h"

typedef struct {
    ic_tuned *tuned;   /* NULL: none, or it was refused */
    char sha256[65];   /* of the file, as read; "": it could not be read */
    char refused[160]; /* why; "": it is used */
} table;

/* Reads PATH. A fault is no failure: auto then goes by the model. */
void table_load(table *t, const char *path);

#endif
