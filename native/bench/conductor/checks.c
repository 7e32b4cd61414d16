/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/checks.h"

#include "conductor/objects.h"
#include "conductor/stop.h"
#include "conductor/workers.h"

#include <stdlib.h>

#define TRIES 3 /* of a check that was ended from outside */

void checks_run(run *r, bool first_launch, const char *by, const char *dump) {
    const plan *p = r->p;
    unsigned char *seen = calloc((size_t)p->layer_count * p->variant_count, 1);
    workers_begin_launch(r, p->jobs[0].launch);
    r->measuring = false;
    for (unsigned k = 0; seen && k < p->job_count; k++) { /* layers in the order of their first job */
        const plan_job *job = &p->jobs[k];
        for (unsigned i = 0; i < job->variant_count && !stop_now() && !r->cut; i++) {
            unsigned object = p->variants[job->variants[i]].object;
            unsigned char *done = &seen[(size_t)job->layer * p->variant_count + object];
            bool out = r->refused[(size_t)job->layer * p->variant_count + job->variants[i]];
            if (*done || out || (first_launch && job->launch != r->launch)) {
                continue;
            }
            *done = 1;
            const char *how = by ? by : p->layers[job->layer].macs < 0x1p31 ? "every" : "reference";
            object_state *known = run_object(r, job->layer, object);
            for (unsigned tries = 0; tries < TRIES && !known->usable && !stop_now() && !r->cut; tries++) {
                known->usable = objects_check(r, job->layer, object, how, dump);
                known->hindered = !known->usable && r->a.external;
                if (!known->hindered || !r->a.signal) {
                    break;
                }
            }
        }
    }
    r->cut |= stop_now() != STOP_NOT;
    free(seen);
    workers_stop(r);
}
