/* SPDX-License-Identifier: Apache-2.0
 * The requests about a convolution object of the layer: `create`, `check`, `sample`. */
#ifndef CONVBENCH_OBJECT_REQUESTS_H
#define CONVBENCH_OBJECT_REQUESTS_H

#include "wire/fields.h"
#include "worker/state.h"

/* Each answers one; false: the conductor is gone. */
bool object_create(worker *w, fields *f);
bool object_check(worker *w, fields *f);
bool object_sample(worker *w, fields *f);

#endif
