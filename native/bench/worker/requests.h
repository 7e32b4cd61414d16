/* SPDX-License-Identifier: Apache-2.0
 * The requests that a process of the conductor's gets, one after the other. */
#ifndef CONVBENCH_REQUESTS_H
#define CONVBENCH_REQUESTS_H

#include "wire/fields.h"

void requests_begin(void);     /* from now on: it ends with the conductor, and is not for Ctrl-C to end */
bool requests_next(fields *f); /* waits for one; its faults are in f->error. False: the conductor is gone */

#endif
