/* SPDX-License-Identifier: Apache-2.0 */
#include "checkup.h"

#include "stop.h"

#include <stdlib.h>

#define TRIES 3 /* of a check that was ended from outside */

void checkup(crew *c, bool first_launch, const char *by, const char *dump) {
    const plan *p = c->p;
    unsigned char *seen = calloc((size_t)p->layer_count * p->variant_count, 1);
    crew_launch(c, p->jobs[0].launch);
    c->measuring = false;
    for (unsigned k = 0; seen && k < p->job_count; k++) { /* layers in the order of their first job */
        const plan_job *job = &p->jobs[k];
        for (unsigned i = 0; i < job->variant_count && !stop_now() && !c->cut; i++) {
            unsigned unit = p->variants[job->variants[i]].unit;
            unsigned char *done = &seen[(size_t)job->layer * p->variant_count + unit];
            bool out = c->refused[(size_t)job->layer * p->variant_count + job->variants[i]];
            if (*done || out || (first_launch && job->launch != c->launch)) {
                continue;
            }
            *done = 1;
            const char *how = by ? by : p->layers[job->layer].macs < 0x1p31 ? "every" : "reference";
            fact *known = crew_fact(c, job->layer, unit);
            for (unsigned tries = 0; tries < TRIES && !known->usable && !stop_now() && !c->cut; tries++) {
                known->usable = crew_check(c, job->layer, unit, how, dump);
                known->hindered = !known->usable && c->a.external;
                if (!known->hindered || !c->a.signal) {
                    break;
                }
            }
        }
    }
    c->cut |= stop_now() != STOP_NOT;
    free(seen);
    crew_stop(c);
}
