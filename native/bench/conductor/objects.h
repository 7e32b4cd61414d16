/* SPDX-License-Identifier: Apache-2.0
 * Objects in the workers: make them, and have their results checked. What goes wrong becomes a record. */
#ifndef CONVBENCH_OBJECTS_H
#define CONVBENCH_OBJECTS_H

#include "conductor/run.h"

/* Makes the variant's object in its worker, and checks that it still gives the checked result. `again`: its records of
 * this launch are written already. */
bool objects_prepare(run *r, unsigned layer, unsigned variant, worker_process **worker, bool again);
/* Tries an object on a layer and compares its outputs: by `reference` or `every`. dump NULL: no files. */
bool objects_check(run *r, unsigned layer, unsigned object, const char *by, const char *dump);
/* Of a foreign program, whose latest sample was of this object: is what it computed right? Else recorded, and the
 * object is out where it is wrong. `quiet`: a right one is not recorded. */
bool objects_judge_last(run *r, unsigned layer, unsigned object, bool quiet);
/* A sample's output is not the checked one: recorded, and the object is out. Always false. */
bool objects_wrong(run *r, unsigned layer, unsigned object);

#endif
