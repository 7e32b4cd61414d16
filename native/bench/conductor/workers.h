/* SPDX-License-Identifier: Apache-2.0
 * A run's workers, one a build: start them, give them layers, ask them. What goes wrong becomes a record under the
 * variant that it concerns. */
#ifndef CONVBENCH_WORKERS_H
#define CONVBENCH_WORKERS_H

#include "conductor/run.h"

void workers_stop(run *r);                          /* ends every one */
void workers_begin_launch(run *r, unsigned launch); /* the same, and the next launch begins */

void workers_forget_layer(run *r); /* who is asked next gets its layer anew */

/* A worker of the variant's build that holds the layer; false: the reason is recorded under the variant. */
bool workers_ready(run *r, unsigned layer, unsigned variant, worker_process **worker);

/* One request; the answer is in r->a. allowance_s: beyond the time that a worker may be silent. */
bool workers_ask(run *r, worker_process *w, double allowance_s, const char *request);
/* The same, of a request that concerns an object on a layer: over what a worker crashed or hung once, none is risked
 * again. */
bool workers_ask_about(run *r, worker_process *w, unsigned layer, unsigned object, double allowance_s,
                       const char *request);

/* The same, until it is answered with that word: a skip is recorded and ends the object's use, all else is given up. */
bool workers_obtain(run *r, worker_process *w, unsigned layer, unsigned object, double allowance_s, const char *request,
                    const char *word);

bool workers_crashed(const run *r); /* there was no answer, because the worker died or hung by its own doing */
bool workers_answered(const run *r, const char *word);
/* An answer of no use: one error record, unless the run is being stopped. r->a.external says whether the variant had no
 * part in it; where the measured CPU is not to be had, the run is cut. Always false. */
bool workers_give_up(run *r, const identity *of);
void workers_skip(run *r, const identity *of); /* the answer is a skip: its record */

#endif
