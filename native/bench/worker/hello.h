/* SPDX-License-Identifier: Apache-2.0
 * The request `hello`: the CPU, the arena, the tuned table and the probes. */
#ifndef CONVBENCH_HELLO_H
#define CONVBENCH_HELLO_H

#include "wire/fields.h"
#include "worker/state.h"

bool hello_answer(worker *w, fields *f); /* false: the conductor is gone */

#endif
