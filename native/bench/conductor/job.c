/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/job.h"

#include "conductor/checker_process.h"
#include "conductor/foreign.h"
#include "conductor/objects.h"
#include "conductor/run_records.h"
#include "conductor/stop.h"
#include "conductor/telemetry.h"
#include "conductor/variant_records.h"
#include "conductor/workers.h"
#include "machine/timer.h"
#include "wire/prng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COLD_NS 20000000

typedef struct {
    const plan_job *job;
    bool *dead;    /* by variant */
    int *latest;   /* by build: the object of a foreign program's latest sample, while it is to be judged; -1: none */
    bool hindered; /* a variant is missing, and not by its own doing */
} job_state;

/* What failed is out for this job; whether it has to be measured again depends on what ended it. */
static bool end_variant(run *r, job_state *s) {
    s->hindered |= r->a.external;
    return false;
}

/* What a foreign program computed in its latest sample: a wrong one's times are not to stand without it. */
static void judge_latest(run *r, job_state *s, unsigned build, bool quiet) {
    const int object = s->latest[build];
    if (object < 0 || stop_now()) {
        return;
    }
    s->latest[build] = -1;
    if (objects_judge_last(r, s->job->layer, (unsigned)object, quiet)) {
        return;
    }
    end_variant(r, s);
    for (unsigned i = 0; i < r->p->variant_count; i++) {
        s->dead[i] |= r->p->variants[i].object == (unsigned)object;
    }
}

/* Takes one sample; false: the variant is out for this job. */
static bool sample(run *r, job_state *s, unsigned round, unsigned position, unsigned variant) {
    const plan *p = r->p;
    const plan_variant *v = &p->variants[variant];
    unsigned layer = s->job->layer;
    size_t slot = (size_t)layer * p->variant_count + variant;
    worker_process *w;
    if (s->latest[v->build] != (int)v->object) { /* the program would forget what that one left */
        judge_latest(r, s, v->build, round + 1 < s->job->rounds);
    }
    s->latest[v->build] = -1;
    uint64_t lost = r->lost_ns, begin = timer_ns();
    bool prepared = objects_prepare(r, layer, variant, &w, true);
    /* All of it on replacing a worker: the job began with all its objects made. */
    r->lost_ns = lost + timer_ns() - begin;
    if (!prepared) {
        return end_variant(r, s);
    }
    /* The measured CPU is cold when none of our workers ran on it just now. */
    uint64_t last = 0, now = timer_ns();
    for (unsigned i = 0; i < p->build_count; i++) {
        last = r->workers[i].pid && r->workers[i].last_ns > last ? r->workers[i].last_ns : last;
    }
    bool cold = now - last > COLD_NS;
    identity of = run_identity(r, layer, v->object);
    char request[256];
    of.cache = v->rotate ? "rotate" : "hot";
    snprintf(request, sizeof request, "sample object=%u cache=%s calls=%" PRIu64 " settle_ns=%" PRIu64, v->object,
             of.cache, r->calls[slot], cold ? p->settle_cold_ns : p->settle_ns);
    if (v->shares_placement) {
        uint64_t state = s->job->seed + round;
        fields_append(request, sizeof request, " placement=%" PRIu64, prng_next(&state));
    }
    uint64_t asked = timer_ns();
    if (!workers_ask(r, w, 0, request)) {
        r->refused[slot] |= workers_crashed(r);
        workers_give_up(r, &of);
        return end_variant(r, s);
    }
    if (workers_answered(r, "skip")) {
        r->refused[slot] = true;
        workers_skip(r, &of);
        return false;
    }
    fields *f = &r->a.reply;
    evidence e;
    bool sampled = workers_answered(r, "sampled") && evidence_read(&e, f, !v->program);
    if (sampled && v->program) {
        foreign_complete(&e, f, &(foreign_asked){p->min_ns, r->calls[slot], timer_ns() - asked, asked, v->rotate});
    }
    bool no_sum = run_object(r, layer, v->object)->no_checksum || (v->program && !fields_has(f, "checksum"));
    uint64_t sum = sampled && !no_sum ? fields_u64(f, "checksum", 0, UINT64_MAX) : 0;
    if (!sampled || f->error[0]) {
        workers_give_up(r, &of);
        return end_variant(r, s);
    }
    if (!no_sum && sum != run_object(r, layer, v->object)->checksum) {
        return objects_wrong(r, layer, v->object);
    }
    s->latest[v->build] = v->program ? (int)v->object : -1;
    emit_sample(r->out, &of, round, position, (int)w->pid, &e);
    r->calls[slot] = e.calls;
    return true;
}

static bool already(const plan_job *job, unsigned round, unsigned position) {
    for (unsigned i = 0; i < job->done_count; i++) {
        if (job->done[i] == ((uint64_t)round << 32 | position)) {
            return true;
        }
    }
    return false;
}

static bool alive(run *r, const job_state *s, unsigned variant) {
    return run_object(r, s->job->layer, r->p->variants[variant].object)->usable && !s->dead[variant] &&
           !r->refused[(size_t)s->job->layer * r->p->variant_count + variant] && !stop_now() && !r->cut;
}

static bool any_alive(run *r, const job_state *s) {
    for (unsigned i = 0; i < s->job->variant_count; i++) {
        if (alive(r, s, s->job->variants[i])) {
            return true;
        }
    }
    return false;
}

bool job_has_work(run *r, const plan_job *job) {
    const plan *p = r->p;
    for (unsigned i = 0; i < job->variant_count; i++) {
        unsigned variant = job->variants[i];
        const object_state *o = run_object(r, job->layer, p->variants[variant].object);
        if (o->hindered || (o->usable && !r->refused[(size_t)job->layer * p->variant_count + variant])) {
            return true;
        }
    }
    return false;
}

/* A pause behind a round that began then, as long as the plan's duty asks. */
static void pause_after(const plan *p, uint64_t begin) {
    if (p->duty < 1) {
        uint64_t now = timer_ns();
        stop_wait(-1, now + (uint64_t)((double)(now - begin) * (1 - p->duty) / p->duty));
    }
}

static void run_round(run *r, job_state *s, unsigned round, unsigned *order) {
    const plan_job *job = s->job;
    uint64_t begin = timer_ns();
    prng_round_order(job->seed, round, order, job->variant_count);
    telemetry_begin_round(r->p);
    for (unsigned position = 0; position < job->variant_count; position++) {
        unsigned variant = job->variants[order[position]];
        if (!alive(r, s, variant) || already(job, round, position)) {
            continue;
        }
        s->dead[variant] = !sample(r, s, round, position, variant);
        telemetry_read(r->p, r->out, r->launch, false);
    }
    telemetry_read(r->p, r->out, r->launch, true);
    pause_after(r->p, begin);
}

/* Objects that this job uses, and their checksums; what fails is dead in it. */
static void prepare_job(run *r, job_state *s) {
    const plan *p = r->p;
    const plan_job *job = s->job;
    for (unsigned i = 0; i < job->variant_count; i++) {
        unsigned variant = job->variants[i], object = p->variants[variant].object;
        bool tried = false, fine = run_object(r, job->layer, object)->usable;
        for (unsigned k = 0; k < i; k++) {
            if (p->variants[job->variants[k]].object == object) {
                tried = true;
                fine = !s->dead[job->variants[k]];
            }
        }
        worker_process *w;
        bool needed = fine && !tried && alive(r, s, variant);
        s->hindered |= run_object(r, job->layer, object)->hindered;
        s->dead[variant] =
            !fine || (needed && !objects_prepare(r, job->layer, variant, &w, false) && !end_variant(r, s));
    }
}

void job_run(run *r, const plan_job *job) {
    const plan *p = r->p;
    uint64_t start = timer_ns();
    unsigned round = job->first_round, *order = calloc(job->variant_count, sizeof *order);
    job_state s = {job, calloc(p->variant_count, sizeof(bool)), calloc(p->build_count, sizeof(int)), false};
    if (!order || !s.dead || !s.latest) {
        fputs("convbench: out of memory\n", stderr);
        exit(3);
    }
    for (unsigned i = 0; i < p->build_count; i++) {
        s.latest[i] = -1;
    }
    uint64_t lost = r->lost_ns;
    double budget = p->budget_s / p->launches;
    if (round < job->rounds) {
        prepare_job(r, &s);
    }
    uint64_t first = timer_ns(), lost_first = r->lost_ns;
    bool over_budget = false;
    while (round < job->rounds && any_alive(r, &s)) {
        double now = (double)timer_ns(), ran = round - job->first_round;
        double expected = ran > 0 && !p->fill ? (now - (double)first - (double)(r->lost_ns - lost_first)) / ran : 0;
        over_budget = ran > 0 && (now - (double)start - (double)(r->lost_ns - lost) + expected) / 1e9 > budget;
        if (over_budget) {
            break;
        }
        run_round(r, &s, round, order);
        if (!stop_now()) {
            round++;
        }
    }
    for (unsigned i = 0; i < p->build_count; i++) {
        judge_latest(r, &s, i, false);
    }
    checker_forget_layer(r);
    r->cut |= stop_now() != STOP_NOT;
    /* Rounds that are missing because all that was left was hindered are no cut by the budget: the job is not done. */
    bool ended_early = round < job->rounds && !over_budget;
    if (!r->cut && !(s.hindered && ended_early)) {
        emit_job(r->out, job->launch, p->layers[job->layer].name, round, job->rounds, !s.hindered,
                 (double)(timer_ns() - start) / 1e9, (double)(r->lost_ns - lost) / 1e9);
    }
    free(order);
    free(s.dead);
    free(s.latest);
}
