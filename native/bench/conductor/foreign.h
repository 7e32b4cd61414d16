/* SPDX-License-Identifier: Apache-2.0
 * What somebody else's program computed and measured: its own word for it is not taken. */
#ifndef CONVBENCH_FOREIGN_H
#define CONVBENCH_FOREIGN_H

#include "conductor/run.h"
#include "wire/evidence.h"

/* The schedule that it names, "" for none; a fault where it could not stand in a variant's name. */
const char *foreign_schedule(fields *created);

/* Has it write its output to a file and has that judged. compute: by a run of its own; else as the latest sample left
 * it. quiet: a right one is not recorded. False: it failed (recorded), or the result is wrong (recorded, r->wrong). */
bool foreign_judge(run *r, worker_process *w, unsigned layer, unsigned object, const char *by, const char *dump,
                   bool compute, bool quiet);

typedef struct {
    uint64_t min_ns, calls; /* calls 0: it chose them */
    uint64_t waited_ns, t_ns;
    bool rotate;
} foreign_asked;

/* Whether its times can be what they say; the fault goes to f. What follows from the request is filled in. */
void foreign_complete(evidence *e, fields *f, const foreign_asked *asked);

#endif
