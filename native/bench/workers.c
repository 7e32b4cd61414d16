/* SPDX-License-Identifier: Apache-2.0 */
#include "workers.h"

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

void run_begin(run *r, const plan *p, records *out) {
    size_t pairs = (size_t)p->layer_count * p->variant_count;
    memset(r, 0, sizeof *r);
    r->p = p;
    r->patience = 1;
    r->out = out;
    r->caches = cpu_caches_read(p->cpu, p->llc_bytes);
    r->workers = zeroed(p->build_count, sizeof *r->workers);
    r->builds = zeroed(p->build_count, sizeof *r->builds);
    r->objects = zeroed(pairs, sizeof *r->objects);
    r->refused = zeroed(pairs, sizeof *r->refused);
    r->calls = zeroed(pairs, sizeof *r->calls);
    for (unsigned i = 0; i < p->known_count; i++) {
        const plan_known *k = &p->knowns[i];
        r->calls[(size_t)k->layer * p->variant_count + k->variant] = k->calls;
        r->refused[(size_t)k->layer * p->variant_count + k->variant] = k->out;
    }
    r->failures = zeroed(p->build_count, sizeof *r->failures);
    r->hindered = zeroed(p->build_count, sizeof *r->hindered);
    /* All builds' workers hold a layer at the same time. */
    uint64_t share = meminfo_free() / p->build_count;
    r->memory = p->memory_bytes < share ? p->memory_bytes : share > MEMORY_LEAST ? share : MEMORY_LEAST;
    for (unsigned i = 0; i < p->build_count; i++) {
        r->workers[i].created = zeroed(p->variant_count, 1);
        snprintf(r->builds[i], sizeof *r->builds, "%s", p->builds[i].name);
    }
}

object_state *run_object(run *r, unsigned layer, unsigned object) {
    return &r->objects[layer * r->p->variant_count + object];
}

identity run_identity(run *r, unsigned layer, unsigned variant) {
    const plan_variant *v = &r->p->variants[variant];
    return object_state_identity(run_object(r, layer, v->object), r->p, r->launch, layer, variant, r->builds[v->build]);
}

/* The answer is none we can use: one error record, unless the run is being stopped. */
bool workers_give_up(run *r, const identity *of) {
    answer *a = &r->a;
    /* A signal to the whole process group ends the workers as well. */
    if (a->status == ASK_STOPPED || (a->status == ASK_DIED && stop_now() == STOP_SIGNAL)) {
        return false;
    }
    r->broken = true;
    if (a->status == ASK_ANSWERED && !a->reason[0]) {
        bool failed = !a->reply.error[0] && !strcmp(a->reply.word, "failed");
        a->external |= failed && fields_has(&a->reply, "external") && fields_u64(&a->reply, "external", 0, 1);
        snprintf(a->reason, sizeof a->reason, "%s",
                 failed              ? fields_text_or(&a->reply, "reason", "no reason given")
                 : a->reply.error[0] ? a->reply.error
                                     : "an answer that makes no sense");
    }
    r->cpu_gone |= !affinity_can(r->p->cpu);
    r->cut |= r->cpu_gone;
    a->external |= r->cpu_gone;
    emit_error(r->out, of, a->reason, a->signal, a->external);
    return false;
}

bool workers_ask(run *r, worker_process *w, double allowance_s, const char *request) {
    uint64_t start = timer_ns();
    bool answered = worker_process_ask(w, &r->a, r->patience * r->p->worker_timeout_s + allowance_s, request);
    if (!answered) {
        r->lost_ns += timer_ns() - start;
    }
    return answered;
}

bool workers_crashed(const run *r) {
    return (r->a.status == ASK_DIED || r->a.status == ASK_SILENT) && !r->a.external;
}

/* A request that concerns an object on a layer. Over what a worker crashed or hung once, none is risked again. */
static bool ask_about(run *r, worker_process *w, unsigned layer, unsigned object, double allowance_s,
                      const char *request) {
    if (workers_ask(r, w, allowance_s, request)) {
        return true;
    }
    if (workers_crashed(r)) {
        run_object(r, layer, object)->usable = false;
    }
    return false;
}

bool workers_answered(const run *r, const char *word) {
    return !r->a.reply.error[0] && !strcmp(r->a.reply.word, word);
}

void workers_skip(run *r, const identity *of) {
    fields *f = &r->a.reply;
    uint64_t bytes = fields_has(f, "bytes") ? fields_u64(f, "bytes", 0, UINT64_MAX) : 0;
    emit_skip(r->out, of, fields_text_or(f, "reason", "no reason given"), bytes);
}

bool objects_wrong(run *r, unsigned layer, unsigned object) {
    identity of = run_identity(r, layer, object);
    emit_check(r->out, &of, "checksum", r->p->layers[layer].output_floats, (double)NAN, false);
    run_object(r, layer, object)->usable = false;
    r->wrong = true;
    return false;
}

static bool start(run *r, unsigned build) {
    const plan *p = r->p;
    worker_process *w = &r->workers[build];
    static char request[PROTOCOL_LINE], path[PROTOCOL_LINE / 2];
    r->a.status = ASK_DIED;
    r->a.signal = 0;
    r->a.external = false;
    if (r->failures[build] >= START_TRIES) {
        r->a.external = r->hindered[build];
        snprintf(r->a.reason, sizeof r->a.reason, "no worker: its program failed to start %d times in this launch",
                 START_TRIES);
        return false;
    }
    r->failures[build]++;
    if (!worker_process_start(w, p->builds[build].exe, &r->a)) {
        return false;
    }
    snprintf(request, sizeof request,
             "hello protocol=%d cpu=%d memory=%" PRIu64 " llc=%" PRIu64 " min_ns=%" PRIu64 " max_khz=%" PRIu64
             " probe=%d%s%s",
             PROTOCOL_VERSION, p->cpu, r->memory, r->caches.llc, p->min_ns, p->max_khz, r->measuring,
             p->tuned ? " tuned=" : "", fields_encode(p->tuned ? p->tuned : "", path, sizeof path));
    if (!workers_ask(r, w, 0, request)) {
        return false;
    }
    bool fine = workers_answered(r, "hello");
    if (fine && !r->builds[build][0]) { /* the plan gave it no name */
        snprintf(r->builds[build], sizeof *r->builds, "%.12s", fields_text(&r->a.reply, "build"));
    }
    if (fine && r->measuring) {
        fine = emit_worker(r->out, r->launch, r->builds[build], &r->a.reply);
    }
    if (fine) {
        r->failures[build] = 0;
        r->hindered[build] = false;
    } else {
        worker_process_stop(w);
    }
    return fine;
}

void workers_stop(run *r) {
    for (unsigned i = 0; i < r->p->build_count; i++) {
        worker_process_stop(&r->workers[i]);
    }
}

void workers_begin_launch(run *r, unsigned launch) {
    workers_stop(r);
    r->launch = launch;
    memset(r->failures, 0, r->p->build_count * sizeof *r->failures);
    memset(r->hindered, 0, r->p->build_count * sizeof *r->hindered);
}

/* A worker of the variant's build that holds the layer; false: reason recorded under the variant. */
static bool ready(run *r, unsigned layer, unsigned variant, worker_process **worker) {
    unsigned build = r->p->variants[variant].build;
    worker_process *w = *worker = &r->workers[build];
    char request[LAYER_LINE];
    if (!w->pid && !start(r, build)) {
        identity of = run_identity(r, layer, variant);
        workers_give_up(r, &of);
        r->hindered[build] |= r->a.external;
        return false;
    }
    if (w->layer == (int)layer) {
        return true;
    }
    identity of = run_identity(r, layer, variant);
    layer_print(&r->p->layers[layer], request);
    if (!ask_about(r, w, layer, r->p->variants[variant].object, 0, request)) {
        return workers_give_up(r, &of);
    }
    memset(w->created, 0, r->p->variant_count);
    w->layer = (int)layer;
    if (workers_answered(r, "ok")) {
        return true;
    }
    w->layer = -1;
    if (!workers_answered(r, "skip")) {
        return workers_give_up(r, &of);
    }
    workers_skip(r, &of);
    run_object(r, layer, r->p->variants[variant].object)->usable = false;
    return false;
}

/* From the answer to `create`: what runs. False: an answer that makes no sense, or the choice changed, and the reason
 * is in r->a; or another variant has the name, which is skipped. */
static bool note(run *r, unsigned layer, unsigned object) {
    fields *f = &r->a.reply;
    const choice made = {fields_text(f, "algorithm"), fields_text_or(f, "method", ""), fields_text(f, "kernel"),
                         fields_text(f, "schedule")};
    char reason[sizeof r->a.reason];
    if (f->error[0]) {
        snprintf(r->a.reason, sizeof r->a.reason, "%s", f->error);
        return false;
    }
    object_state_noted status = object_state_note(run_object(r, layer, 0), r->p, object, &made, reason, sizeof reason);
    if (status == OBJECT_CHANGED) {
        snprintf(r->a.reason, sizeof r->a.reason, "%s", reason);
    }
    if (status == OBJECT_TWICE) {
        identity of = run_identity(r, layer, object);
        emit_skip(r->out, &of, reason, 0);
    }
    return status == OBJECT_NOTED;
}

static bool create(run *r, worker_process *w, unsigned layer, unsigned object) {
    const plan_variant *v = &r->p->variants[object];
    object_state *known = run_object(r, layer, object);
    identity of = run_identity(r, layer, object);
    char request[512], schedule[FIELDS_ENCODED(sizeof v->schedule)];
    /* What was checked is what is measured: from the check on, the schedule has its name. A choice is made again, so
     * that its time counts, and compared. */
    fields_encode(known->schedule[0] && !variant_chosen(v) ? known->schedule : v->schedule, schedule, sizeof schedule);
    snprintf(request, sizeof request, "create object=%u algorithm=%s schedule=%s", object,
             ic_algorithm_name(v->algorithm), schedule);
    if (!ask_about(r, w, layer, object, 0, request)) {
        return workers_give_up(r, &of);
    }
    if (workers_answered(r, "skip")) {
        workers_skip(r, &of);
        known->usable = false;
        return false;
    }
    if (!workers_answered(r, "created")) {
        return workers_give_up(r, &of);
    }
    if (!note(r, layer, object)) {
        known->usable = false;
        return r->a.reason[0] && workers_give_up(r, &of);
    }
    w->created[object] = true;
    return true;
}

/* by: reference, every or checksum. False: it failed (recorded), or the result is wrong (recorded, r->wrong). */
static bool check(run *r, worker_process *w, unsigned layer, unsigned object, const char *by, const char *dump,
                  bool quiet) {
    object_state *known = run_object(r, layer, object);
    identity of = run_identity(r, layer, object);
    bool sum_only = !strcmp(by, "checksum");
    static char request[PROTOCOL_LINE], folder[PROTOCOL_LINE / 2];
    char file[VARIANT_NAME];
    variant_name(&r->p->variants[object], known->algorithm, known->schedule, file);
    *strchr(file, '/') = '.';
    snprintf(request, sizeof request, "check object=%u by=%s", object, by);
    if (dump) {
        snprintf(request, sizeof request, "check object=%u by=%s dump=%s as=%s", object, by,
                 fields_encode(dump, folder, sizeof folder), file);
    }
    if (!ask_about(r, w, layer, object, r->p->layers[layer].macs / MACS_PER_SECOND, request)) {
        return workers_give_up(r, &of);
    }
    if (workers_answered(r, "skip")) {
        workers_skip(r, &of);
        known->usable = false;
        return false;
    }
    if (!workers_answered(r, "checked")) {
        return workers_give_up(r, &of);
    }
    fields *f = &r->a.reply;
    uint64_t outputs = fields_u64(f, "outputs", 0, UINT64_MAX), sum = fields_u64(f, "checksum", 0, UINT64_MAX);
    double error = fields_f64(f, "error_over_bound", 0, INFINITY);
    bool ok = fields_u64(f, "ok", 0, 1);
    if (f->error[0]) {
        return workers_give_up(r, &of);
    }
    if (sum_only) {
        ok = sum == known->checksum;
        error = (double)NAN;
    } else {
        known->checksum = sum;
    }
    if (!quiet || !ok) {
        emit_check(r->out, &of, sum_only ? "checksum" : "reference", outputs, error, ok);
    }
    r->wrong |= !ok;
    known->usable &= ok;
    return ok;
}

/* Makes the object known to its worker, and checks that it still gives the checked result. */
bool objects_prepare(run *r, unsigned layer, unsigned variant, worker_process **worker, bool again) {
    unsigned object = r->p->variants[variant].object;
    if (!ready(r, layer, variant, worker)) {
        return false;
    }
    worker_process *w = *worker;
    if (w->created[object]) {
        return true;
    }
    if (!create(r, w, layer, object)) {
        return false;
    }
    identity of = run_identity(r, layer, object);
    if (!again && !emit_layer(r->out, &of, &r->a.reply)) {
        return workers_give_up(r, &of);
    }
    if (check(r, w, layer, object, "checksum", NULL, again)) {
        return true;
    }
    if (w->pid) {
        w->created[object] = false;
    }
    return false;
}

bool objects_check(run *r, unsigned layer, unsigned object, const char *by, const char *dump) {
    worker_process *w;
    return ready(r, layer, object, &w) && create(r, w, layer, object) && check(r, w, layer, object, by, dump, false);
}
