/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"

#include "affinity.h"
#include "core/algorithm.h"
#include "meminfo.h"
#include "stop.h"
#include "timer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_LEAST (UINT64_C(1) << 20)
#define START_TRIES 2       /* of a build in one launch */
#define MACS_PER_SECOND 1e7 /* that the first run of a layer reaches at least: naive, under emulation */

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fputs("convbench: out of memory\n", stderr);
        exit(3);
    }
    return memory;
}

void crew_begin(crew *c, const plan *p, records *out) {
    size_t pairs = (size_t)p->layer_count * p->variant_count;
    memset(c, 0, sizeof *c);
    c->p = p;
    c->patience = 1;
    c->out = out;
    c->caches = cpu_caches_read(p->cpu, p->llc_bytes);
    c->peers = zeroed(p->build_count, sizeof *c->peers);
    c->builds = zeroed(p->build_count, sizeof *c->builds);
    c->facts = zeroed(pairs, sizeof *c->facts);
    c->refused = zeroed(pairs, sizeof *c->refused);
    c->calls = zeroed(pairs, sizeof *c->calls);
    for (unsigned i = 0; i < p->known_count; i++) {
        const plan_known *k = &p->knowns[i];
        c->calls[(size_t)k->layer * p->variant_count + k->variant] = k->calls;
        c->refused[(size_t)k->layer * p->variant_count + k->variant] = k->out;
    }
    c->failures = zeroed(p->build_count, sizeof *c->failures);
    c->hindered = zeroed(p->build_count, sizeof *c->hindered);
    /* All builds' workers hold a layer at the same time. */
    uint64_t share = meminfo_free() / p->build_count;
    c->memory = p->memory_bytes < share ? p->memory_bytes : share > MEMORY_LEAST ? share : MEMORY_LEAST;
    for (unsigned i = 0; i < p->build_count; i++) {
        c->peers[i].created = zeroed(p->variant_count, 1);
        snprintf(c->builds[i], sizeof *c->builds, "%s", p->builds[i].name);
    }
}

fact *crew_fact(crew *c, unsigned layer, unsigned unit) {
    return &c->facts[layer * c->p->variant_count + unit];
}

identity crew_identity(crew *c, unsigned layer, unsigned variant) {
    const plan_variant *v = &c->p->variants[variant];
    return fact_identity(crew_fact(c, layer, v->unit), c->p, c->launch, layer, variant, c->builds[v->build]);
}

/* The answer is none we can use: one error record, unless the run is being stopped. */
bool crew_give_up(crew *c, const identity *of) {
    answer *a = &c->a;
    /* A signal to the whole process group ends the workers as well. */
    if (a->status == ASK_STOPPED || (a->status == ASK_DIED && stop_now() == STOP_SIGNAL)) {
        return false;
    }
    c->broken = true;
    if (a->status == ASK_ANSWERED && !a->reason[0]) {
        bool failed = !a->reply.error[0] && !strcmp(a->reply.word, "failed");
        a->external |= failed && fields_has(&a->reply, "external") && fields_u64(&a->reply, "external", 0, 1);
        snprintf(a->reason, sizeof a->reason, "%s",
                 failed              ? fields_text_or(&a->reply, "reason", "no reason given")
                 : a->reply.error[0] ? a->reply.error
                                     : "an answer that makes no sense");
    }
    c->cpu_gone |= !affinity_can(c->p->cpu);
    c->cut |= c->cpu_gone;
    a->external |= c->cpu_gone;
    emit_error(c->out, of, a->reason, a->signal, a->external);
    return false;
}

bool crew_ask(crew *c, peer *p, double allowance_s, const char *request) {
    uint64_t start = timer_ns();
    bool answered = peer_ask(p, &c->a, c->patience * c->p->worker_timeout_s + allowance_s, request);
    if (!answered) {
        c->lost_ns += timer_ns() - start;
    }
    return answered;
}

bool crew_crashed(const crew *c) {
    return (c->a.status == ASK_DIED || c->a.status == ASK_SILENT) && !c->a.external;
}

/* A request that concerns a unit on a layer. Over what a worker crashed or hung once, none is risked again. */
static bool ask_about(crew *c, peer *w, unsigned layer, unsigned unit, double allowance_s, const char *request) {
    if (crew_ask(c, w, allowance_s, request)) {
        return true;
    }
    if (crew_crashed(c)) {
        crew_fact(c, layer, unit)->usable = false;
    }
    return false;
}

bool crew_answered(const crew *c, const char *word) {
    return !c->a.reply.error[0] && !strcmp(c->a.reply.word, word);
}

void crew_skip(crew *c, const identity *of) {
    fields *f = &c->a.reply;
    uint64_t bytes = fields_has(f, "bytes") ? fields_u64(f, "bytes", 0, UINT64_MAX) : 0;
    emit_skip(c->out, of, fields_text_or(f, "reason", "no reason given"), bytes);
}

bool crew_wrong(crew *c, unsigned layer, unsigned unit) {
    identity of = crew_identity(c, layer, unit);
    emit_check(c->out, &of, "checksum", c->p->layers[layer].output_floats, (double)NAN, false);
    crew_fact(c, layer, unit)->usable = false;
    c->wrong = true;
    return false;
}

static bool start(crew *c, unsigned build) {
    const plan *p = c->p;
    peer *w = &c->peers[build];
    static char request[PROTOCOL_LINE], path[PROTOCOL_LINE / 2];
    c->a.status = ASK_DIED;
    c->a.signal = 0;
    c->a.external = false;
    if (c->failures[build] >= START_TRIES) {
        c->a.external = c->hindered[build];
        snprintf(c->a.reason, sizeof c->a.reason, "no worker: its program failed to start %d times in this launch",
                 START_TRIES);
        return false;
    }
    c->failures[build]++;
    if (!peer_start(w, p->builds[build].exe, &c->a)) {
        return false;
    }
    snprintf(request, sizeof request,
             "hello protocol=%d cpu=%d memory=%" PRIu64 " llc=%" PRIu64 " min_ns=%" PRIu64 " max_khz=%" PRIu64
             " probe=%d%s%s",
             PROTOCOL_VERSION, p->cpu, c->memory, c->caches.llc, p->min_ns, p->max_khz, c->measuring,
             p->tuned ? " tuned=" : "", fields_encode(p->tuned ? p->tuned : "", path, sizeof path));
    if (!crew_ask(c, w, 0, request)) {
        return false;
    }
    bool fine = crew_answered(c, "hello");
    if (fine && !c->builds[build][0]) { /* the plan gave it no name */
        snprintf(c->builds[build], sizeof *c->builds, "%.12s", fields_text(&c->a.reply, "build"));
    }
    if (fine && c->measuring) {
        fine = emit_worker(c->out, c->launch, c->builds[build], &c->a.reply);
    }
    if (fine) {
        c->failures[build] = 0;
        c->hindered[build] = false;
    } else {
        peer_stop(w);
    }
    return fine;
}

void crew_stop(crew *c) {
    for (unsigned i = 0; i < c->p->build_count; i++) {
        peer_stop(&c->peers[i]);
    }
}

void crew_launch(crew *c, unsigned launch) {
    crew_stop(c);
    c->launch = launch;
    memset(c->failures, 0, c->p->build_count * sizeof *c->failures);
    memset(c->hindered, 0, c->p->build_count * sizeof *c->hindered);
}

/* A worker of the variant's build that holds the layer; false: reason recorded under the variant. */
static bool ready(crew *c, unsigned layer, unsigned variant, peer **worker) {
    unsigned build = c->p->variants[variant].build;
    peer *w = *worker = &c->peers[build];
    char request[LAYER_LINE];
    if (!w->pid && !start(c, build)) {
        identity of = crew_identity(c, layer, variant);
        crew_give_up(c, &of);
        c->hindered[build] |= c->a.external;
        return false;
    }
    if (w->layer == (int)layer) {
        return true;
    }
    identity of = crew_identity(c, layer, variant);
    layer_print(&c->p->layers[layer], request);
    if (!ask_about(c, w, layer, c->p->variants[variant].unit, 0, request)) {
        return crew_give_up(c, &of);
    }
    memset(w->created, 0, c->p->variant_count);
    w->layer = (int)layer;
    if (crew_answered(c, "ok")) {
        return true;
    }
    w->layer = -1;
    if (!crew_answered(c, "skip")) {
        return crew_give_up(c, &of);
    }
    crew_skip(c, &of);
    crew_fact(c, layer, c->p->variants[variant].unit)->usable = false;
    return false;
}

/* From the answer to `create`: what runs. False: an answer that makes no sense, or the choice changed, and the reason
 * is in c->a; or another variant has the name, which is skipped. */
static bool note(crew *c, unsigned layer, unsigned unit) {
    fields *f = &c->a.reply;
    const choice made = {fields_text(f, "algorithm"), fields_text_or(f, "method", ""), fields_text(f, "kernel"),
                         fields_text(f, "schedule")};
    char reason[sizeof c->a.reason];
    if (f->error[0]) {
        snprintf(c->a.reason, sizeof c->a.reason, "%s", f->error);
        return false;
    }
    fact_status status = fact_note(crew_fact(c, layer, 0), c->p, unit, &made, reason, sizeof reason);
    if (status == FACT_CHANGED) {
        snprintf(c->a.reason, sizeof c->a.reason, "%s", reason);
    }
    if (status == FACT_TWICE) {
        identity of = crew_identity(c, layer, unit);
        emit_skip(c->out, &of, reason, 0);
    }
    return status == FACT_NOTED;
}

static bool create(crew *c, peer *w, unsigned layer, unsigned unit) {
    const plan_variant *v = &c->p->variants[unit];
    fact *known = crew_fact(c, layer, unit);
    identity of = crew_identity(c, layer, unit);
    char request[512], schedule[FIELDS_ENCODED(sizeof v->schedule)];
    /* What was checked is what is measured: from the check on, the schedule has its name. A choice is made again, so
     * that its time counts, and compared. */
    fields_encode(known->schedule[0] && !variant_chosen(v) ? known->schedule : v->schedule, schedule, sizeof schedule);
    snprintf(request, sizeof request, "create object=%u algorithm=%s schedule=%s", unit,
             ic_algorithm_name(v->algorithm), schedule);
    if (!ask_about(c, w, layer, unit, 0, request)) {
        return crew_give_up(c, &of);
    }
    if (crew_answered(c, "skip")) {
        crew_skip(c, &of);
        known->usable = false;
        return false;
    }
    if (!crew_answered(c, "created")) {
        return crew_give_up(c, &of);
    }
    if (!note(c, layer, unit)) {
        known->usable = false;
        return c->a.reason[0] && crew_give_up(c, &of);
    }
    w->created[unit] = true;
    return true;
}

/* by: reference, every or checksum. False: it failed (recorded), or the result is wrong (recorded, c->wrong). */
static bool check(crew *c, peer *w, unsigned layer, unsigned unit, const char *by, const char *dump, bool quiet) {
    fact *known = crew_fact(c, layer, unit);
    identity of = crew_identity(c, layer, unit);
    bool sum_only = !strcmp(by, "checksum");
    static char request[PROTOCOL_LINE], folder[PROTOCOL_LINE / 2];
    char file[VARIANT_NAME];
    variant_name(&c->p->variants[unit], known->algorithm, known->schedule, file);
    *strchr(file, '/') = '.';
    snprintf(request, sizeof request, "check object=%u by=%s", unit, by);
    if (dump) {
        snprintf(request, sizeof request, "check object=%u by=%s dump=%s as=%s", unit, by,
                 fields_encode(dump, folder, sizeof folder), file);
    }
    if (!ask_about(c, w, layer, unit, c->p->layers[layer].macs / MACS_PER_SECOND, request)) {
        return crew_give_up(c, &of);
    }
    if (crew_answered(c, "skip")) {
        crew_skip(c, &of);
        known->usable = false;
        return false;
    }
    if (!crew_answered(c, "checked")) {
        return crew_give_up(c, &of);
    }
    fields *f = &c->a.reply;
    uint64_t outputs = fields_u64(f, "outputs", 0, UINT64_MAX), sum = fields_u64(f, "checksum", 0, UINT64_MAX);
    double error = fields_f64(f, "error_over_bound", 0, INFINITY);
    bool ok = fields_u64(f, "ok", 0, 1);
    if (f->error[0]) {
        return crew_give_up(c, &of);
    }
    if (sum_only) {
        ok = sum == known->checksum;
        error = (double)NAN;
    } else {
        known->checksum = sum;
    }
    if (!quiet || !ok) {
        emit_check(c->out, &of, sum_only ? "checksum" : "reference", outputs, error, ok);
    }
    c->wrong |= !ok;
    known->usable &= ok;
    return ok;
}

/* Makes the unit known to its worker, and checks that it still gives the checked result. */
bool crew_prepare(crew *c, unsigned layer, unsigned variant, peer **worker, bool again) {
    unsigned unit = c->p->variants[variant].unit;
    if (!ready(c, layer, variant, worker)) {
        return false;
    }
    peer *w = *worker;
    if (w->created[unit]) {
        return true;
    }
    if (!create(c, w, layer, unit)) {
        return false;
    }
    identity of = crew_identity(c, layer, unit);
    if (!again && !emit_layer(c->out, &of, &c->a.reply)) {
        return crew_give_up(c, &of);
    }
    if (check(c, w, layer, unit, "checksum", NULL, again)) {
        return true;
    }
    if (w->pid) {
        w->created[unit] = false;
    }
    return false;
}

bool crew_check(crew *c, unsigned layer, unsigned unit, const char *by, const char *dump) {
    peer *w;
    return ready(c, layer, unit, &w) && create(c, w, layer, unit) && check(c, w, layer, unit, by, dump, false);
}
