/* SPDX-License-Identifier: Apache-2.0 */
#include "block.h"

#include "prng.h"
#include "stop.h"
#include "telemetry.h"
#include "timer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLD_NS 20000000

typedef struct {
    const plan_job *job;
    bool *dead;    /* by variant */
    bool hindered; /* a variant is missing, and not by its own doing */
} block;

/* What failed is out for this block; whether it has to be measured again depends on what ended it. */
static bool end_variant(crew *c, block *b) {
    b->hindered |= c->a.external;
    return false;
}

/* Takes one sample; false: the variant is out for this block. */
static bool sample(crew *c, block *b, unsigned round, unsigned position, unsigned variant) {
    const plan *p = c->p;
    const plan_variant *v = &p->variants[variant];
    unsigned layer = b->job->layer;
    size_t slot = (size_t)layer * p->variant_count + variant;
    peer *w;
    uint64_t lost = c->lost_ns, begin = timer_ns();
    bool prepared = crew_prepare(c, layer, variant, &w, true);
    c->lost_ns = lost + timer_ns() - begin; /* all of it on replacing a worker: the block began with every unit made */
    if (!prepared) {
        return end_variant(c, b);
    }
    /* The measured CPU is cold when none of our workers ran on it just now. */
    uint64_t last = 0, now = timer_ns();
    for (unsigned i = 0; i < p->build_count; i++) {
        last = c->peers[i].pid && c->peers[i].last_ns > last ? c->peers[i].last_ns : last;
    }
    bool cold = now - last > COLD_NS;
    identity of = crew_identity(c, layer, v->unit);
    char request[256];
    of.cache = v->rotate ? "rotate" : "hot";
    snprintf(request, sizeof request, "sample object=%u cache=%s calls=%" PRIu64 " settle_ns=%" PRIu64, v->unit,
             of.cache, c->calls[slot], cold ? p->settle_cold_ns : p->settle_ns);
    if (!crew_ask(c, w, 0, request)) {
        c->refused[slot] |= crew_crashed(c);
        crew_give_up(c, &of);
        return end_variant(c, b);
    }
    if (crew_answered(c, "skip")) {
        c->refused[slot] = true;
        crew_skip(c, &of);
        return false;
    }
    fields *f = &c->a.reply;
    evidence e;
    bool sampled = crew_answered(c, "sampled") && evidence_read(&e, f);
    uint64_t sum = sampled ? fields_u64(f, "checksum", 0, UINT64_MAX) : 0;
    if (!sampled || f->error[0]) {
        crew_give_up(c, &of);
        return end_variant(c, b);
    }
    if (sum != crew_fact(c, layer, v->unit)->checksum) {
        return crew_wrong(c, layer, v->unit);
    }
    emit_sample(c->out, &of, round, position, (int)w->pid, &e);
    c->calls[slot] = e.calls;
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

static bool alive(crew *c, const block *b, unsigned variant) {
    return crew_fact(c, b->job->layer, c->p->variants[variant].unit)->usable && !b->dead[variant] &&
           !c->refused[(size_t)b->job->layer * c->p->variant_count + variant] && !stop_now() && !c->cut;
}

static bool any_alive(crew *c, const block *b) {
    for (unsigned i = 0; i < b->job->variant_count; i++) {
        if (alive(c, b, b->job->variants[i])) {
            return true;
        }
    }
    return false;
}

static void run_round(crew *c, block *b, unsigned round, unsigned *order) {
    const plan_job *job = b->job;
    prng_round_order(job->seed, round, order, job->variant_count);
    for (unsigned position = 0; position < job->variant_count; position++) {
        unsigned variant = job->variants[order[position]];
        if (!alive(c, b, variant) || already(job, round, position)) {
            continue;
        }
        b->dead[variant] = !sample(c, b, round, position, variant);
        telemetry_read(c->p, c->out, c->launch, false);
    }
    telemetry_read(c->p, c->out, c->launch, true);
}

/* Objects and checksums of the units that this block uses; what fails is dead in it. */
static void prepare_block(crew *c, block *b) {
    const plan *p = c->p;
    const plan_job *job = b->job;
    for (unsigned i = 0; i < job->variant_count; i++) {
        unsigned variant = job->variants[i], unit = p->variants[variant].unit;
        bool tried = false, fine = crew_fact(c, job->layer, unit)->usable;
        for (unsigned k = 0; k < i; k++) {
            if (p->variants[job->variants[k]].unit == unit) {
                tried = true;
                fine = !b->dead[job->variants[k]];
            }
        }
        peer *w;
        bool needed = fine && !tried && alive(c, b, variant);
        b->hindered |= crew_fact(c, job->layer, unit)->hindered;
        b->dead[variant] = !fine || (needed && !crew_prepare(c, job->layer, variant, &w, false) && !end_variant(c, b));
    }
}

void block_run(crew *c, const plan_job *job) {
    const plan *p = c->p;
    uint64_t start = timer_ns();
    unsigned round = job->first_round, *order = calloc(job->variant_count, sizeof *order);
    block b = {job, calloc(p->variant_count, sizeof(bool)), false};
    if (!order || !b.dead) {
        fputs("convbench: out of memory\n", stderr);
        exit(3);
    }
    uint64_t lost = c->lost_ns;
    double budget = p->budget_s / p->launches;
    if (round < job->rounds) {
        prepare_block(c, &b);
    }
    uint64_t first = timer_ns(), lost_first = c->lost_ns;
    bool over_budget = false;
    while (round < job->rounds && any_alive(c, &b)) {
        double now = (double)timer_ns(), ran = round - job->first_round;
        double expected = ran > 0 ? (now - (double)first - (double)(c->lost_ns - lost_first)) / ran : 0;
        over_budget = ran > 0 && (now - (double)start - (double)(c->lost_ns - lost) + expected) / 1e9 > budget;
        if (over_budget) {
            break;
        }
        run_round(c, &b, round, order);
        if (!stop_now()) {
            round++;
        }
    }
    c->cut |= stop_now() != STOP_NOT;
    /* Rounds that are missing because all that was left was hindered are no cut by the budget: the block is not done.
     */
    bool ended_early = round < job->rounds && !over_budget;
    if (!c->cut && !(b.hindered && ended_early)) {
        emit_job(c->out, job->launch, p->layers[job->layer].name, round, job->rounds, !b.hindered,
                 (double)(timer_ns() - start) / 1e9, (double)(c->lost_ns - lost) / 1e9);
    }
    free(order);
    free(b.dead);
}
