/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/workers.h"

#include "conductor/checker_process.h"
#include "conductor/run_records.h"
#include "conductor/stop.h"
#include "conductor/variant_records.h"
#include "machine/affinity.h"
#include "machine/program.h"
#include "machine/timer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define START_TRIES 2 /* of a build in one launch */

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
        if (failed) {
            snprintf(a->reason, sizeof a->reason, "%s", fields_text_or(&a->reply, "reason", "no reason given"));
        } else {
            snprintf(a->reason, sizeof a->reason, "%s: '%s'",
                     a->reply.error[0] ? a->reply.error : "an answer that makes no sense", a->said);
            worker_process_stop(r->asked); /* what it says next may be the answer to something else */
        }
    }
    r->cpu_gone |= !affinity_can(r->p->cpu);
    r->cut |= r->cpu_gone;
    a->external |= r->cpu_gone;
    emit_error(r->out, of, a->reason, a->signal, a->status == ASK_SILENT, a->external);
    return false;
}

bool workers_ask(run *r, worker_process *w, double allowance_s, const char *request) {
    uint64_t start = timer_ns();
    r->asked = w;
    bool answered = worker_process_ask(w, &r->a, r->patience * r->p->worker_timeout_s + allowance_s, request);
    if (!answered) {
        r->lost_ns += timer_ns() - start;
    }
    return answered;
}

bool workers_crashed(const run *r) {
    return (r->a.status == ASK_DIED || r->a.status == ASK_SILENT) && !r->a.external;
}

bool workers_ask_about(run *r, worker_process *w, unsigned layer, unsigned object, double allowance_s,
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

bool workers_obtain(run *r, worker_process *w, unsigned layer, unsigned object, double allowance_s, const char *request,
                    const char *word) {
    identity of = run_identity(r, layer, object);
    if (!workers_ask_about(r, w, layer, object, allowance_s, request)) {
        return workers_give_up(r, &of);
    }
    if (workers_answered(r, "skip")) {
        workers_skip(r, &of);
        run_object(r, layer, object)->usable = false;
        return false;
    }
    return workers_answered(r, word) || workers_give_up(r, &of);
}

/* Whether a program speaks our version of the protocol; if not, it never will. */
static bool speaks(run *r, unsigned build) {
    const char *name = r->p->builds[build].name, *protocol = fields_text_or(&r->a.reply, "protocol", "");
    char ours[16];
    snprintf(ours, sizeof ours, "%d", PROTOCOL_VERSION);
    if (!strcmp(protocol, ours)) {
        return true;
    }
    r->unfit[build] = true;
    snprintf(r->a.reason, sizeof r->a.reason, "%.64s %s%.20s, this is convbench %s with protocol %s",
             *name ? name : "its program", *protocol ? "speaks protocol " : "does not say which protocol it speaks",
             protocol, program_version(), ours);
    return false;
}

/* Those that the build's threads need: the measured one, and the lowest others that the plan allows. */
static cpu_set cpus_of(const run *r, unsigned build) {
    const plan *p = r->p;
    const unsigned need = run_threads(r, build);
    cpu_set set = {{0}};
    cpu_set_put(&set, p->cpu, true);
    for (int cpu = 0; cpu < CPU_LIMIT && cpu_set_count(&set) < need; cpu++) {
        if (cpu_set_has(&p->cpus, cpu)) {
            cpu_set_put(&set, cpu, true);
        }
    }
    return set;
}

static bool start(run *r, unsigned build) {
    const plan *p = r->p;
    const plan_build *b = &p->builds[build];
    worker_process *w = &r->workers[build];
    static char request[PROTOCOL_LINE], path[PROTOCOL_LINE / 2];
    char list[256] = "";
    const cpu_set cpus = cpus_of(r, build);
    r->a.status = ASK_DIED;
    r->a.signal = 0;
    r->a.external = false;
    if (r->unfit[build]) {
        snprintf(r->a.reason, sizeof r->a.reason, "%s", r->faults[build]);
        return false;
    }
    if (r->failures[build] >= START_TRIES) {
        r->a.external = r->hindered[build];
        snprintf(r->a.reason, sizeof r->a.reason, "no worker: its program failed to start %d times in this launch: %s",
                 START_TRIES, r->faults[build]);
        return false;
    }
    r->failures[build]++;
    if (!worker_process_start(w, b->exe, WORKER_COMMAND, b->foreign ? &cpus : NULL, &r->a)) {
        return false;
    }
    bool has_table = p->tuned && !b->foreign, tells_threads = run_tells_threads(r, build);
    if (tells_threads) {
        cpu_set_print(&cpus, list, sizeof list);
    }
    snprintf(request, sizeof request,
             "hello protocol=%d cpu=%d%s%s memory=%" PRIu64 " llc=%" PRIu64 " min_ns=%" PRIu64 " max_khz=%" PRIu64
             " probe=%d%s%s",
             PROTOCOL_VERSION, p->cpu, tells_threads ? " cpus=" : "", list, r->memory, r->caches.llc, p->min_ns,
             p->max_khz, r->measuring, has_table ? " tuned=" : "",
             fields_encode(has_table ? p->tuned : "", path, sizeof path));
    if (!workers_ask(r, w, 0, request)) {
        return false;
    }
    bool fine = workers_answered(r, "hello") && speaks(r, build);
    if (fine && !r->builds[build][0]) { /* the plan gave it no name */
        snprintf(r->builds[build], sizeof *r->builds, "%.12s", fields_text(&r->a.reply, "build"));
    }
    if (fine && r->measuring) {
        fine = emit_worker(r->out, r->launch, r->builds[build], &r->a.reply, w, b->foreign);
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

void workers_forget_layer(run *r) {
    for (unsigned i = 0; i < r->p->build_count; i++) {
        r->workers[i].layer = -1;
    }
}

/* The answer to `layer` is a skip or of no use. Always false. */
static bool out_of_layer(run *r, const identity *of, unsigned layer, unsigned variant) {
    if (r->a.status != ASK_ANSWERED || !workers_answered(r, "skip")) {
        return workers_give_up(r, of);
    }
    workers_skip(r, of);
    run_object(r, layer, r->p->variants[variant].object)->usable = false;
    return false;
}

bool workers_ready(run *r, unsigned layer, unsigned variant, worker_process **worker) {
    unsigned build = r->p->variants[variant].build;
    worker_process *w = *worker = &r->workers[build];
    bool foreign = r->p->builds[build].foreign;
    if (r->p->builds[build].absent) {
        identity of = run_identity(r, layer, variant);
        emit_skip(r->out, &of, r->p->builds[build].absent, 0);
        run_object(r, layer, r->p->variants[variant].object)->usable = false;
        return false;
    }
    static char request[PROTOCOL_LINE];
    bool tried = !w->pid && !r->unfit[build] && r->failures[build] < START_TRIES;
    if (!w->pid && !start(r, build)) {
        identity of = run_identity(r, layer, variant);
        workers_give_up(r, &of);
        r->hindered[build] |= r->a.external;
        if (tried) {
            snprintf(r->faults[build], sizeof *r->faults, "%.199s", r->a.reason);
        }
        return false;
    }
    if (w->layer == (int)layer) {
        return true;
    }
    identity of = run_identity(r, layer, variant);
    if (foreign && !checker_layer(r, layer)) {
        return out_of_layer(r, &of, layer, variant);
    }
    layer_print(&r->p->layers[layer], request);
    if (foreign) {
        checker_append_files(r, layer, request, sizeof request);
    }
    if (!workers_ask_about(r, w, layer, r->p->variants[variant].object, 0, request)) {
        return workers_give_up(r, &of);
    }
    memset(w->created, 0, r->p->variant_count);
    w->layer = (int)layer;
    if (workers_answered(r, "ok")) {
        return true;
    }
    w->layer = -1;
    return out_of_layer(r, &of, layer, variant);
}
