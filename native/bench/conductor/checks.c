/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/checks.h"

#include "conductor/job.h"
#include "conductor/objects.h"
#include "conductor/stop.h"
#include "conductor/workers.h"

#define TRIES 3 /* of a check that was ended from outside */

/* The objects of a job that are not judged yet; by as in checks_run. Whether there was one. */
static bool check_job(run *r, const plan_job *job, const char *by, const char *dump) {
    const plan *p = r->p;
    bool any = false;
    for (unsigned i = 0; i < job->variant_count && !stop_now() && !r->cut; i++) {
        const unsigned object = p->variants[job->variants[i]].object;
        object_state *known = run_object(r, job->layer, object);
        if (known->judged || r->refused[(size_t)job->layer * p->variant_count + job->variants[i]]) {
            continue;
        }
        any = known->judged = true;
        const char *how = by ? by : p->layers[job->layer].macs < 0x1p31 ? "every" : "reference";
        for (unsigned tries = 0; tries < TRIES && !known->usable && !stop_now() && !r->cut; tries++) {
            known->usable = objects_check(r, job->layer, object, how, dump);
            known->hindered = !known->usable && r->a.external;
            if (!known->hindered || !r->a.signal) {
                break;
            }
        }
    }
    r->cut |= stop_now() != STOP_NOT;
    return any;
}

void checks_run(run *r, bool first_launch, const char *by, const char *dump) {
    const plan *p = r->p;
    workers_begin_launch(r, p->jobs[0].launch);
    for (unsigned k = 0; k < p->job_count; k++) { /* layers in the order of their first job */
        if (!first_launch || p->jobs[k].launch == r->launch) {
            check_job(r, &p->jobs[k], by, dump);
        }
    }
    workers_stop(r);
}

void checks_of_job(run *r, const plan_job *job) {
    if (check_job(r, job, "reference", NULL)) {
        workers_forget_layer(r);
    }
}

bool checks_find_work(run *r, unsigned first) {
    const plan *p = r->p;
    bool found = false;
    for (unsigned k = first; k < p->job_count && p->jobs[k].launch == p->jobs[first].launch && !found; k++) {
        check_job(r, &p->jobs[k], "reference", NULL);
        found = job_has_work(r, &p->jobs[k]);
    }
    workers_stop(r);
    return found;
}
