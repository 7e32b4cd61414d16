/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor.h"

#include "affinity.h"
#include "emit.h"
#include "gate.h"
#include "introspect.h"
#include "peer.h"
#include "prng.h"
#include "stop.h"
#include "telemetry.h"
#include "timer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLD_NS 20000000

/* What is known of a unit (a variant whatever its cache mode) on a layer. */
typedef struct {
    bool usable; /* checked and right */
    uint64_t checksum;
    char kernel[64], name[160]; /* name: of the variant in records */
} fact;

typedef struct {
    const plan *p;
    records *out;
    cpu_caches caches;
    peer *peers;        /* by build */
    char (*builds)[64]; /* names in records, by build */
    fact *facts;        /* by layer, unit */
    bool *refused;      /* by layer, variant: skipped in this cache mode */
    bool *sampled;      /* by layer, variant: at least once */
    bool measuring, wrong, broken;
    unsigned launch;
    answer a;
} conductor;

/* One layer in one launch. */
typedef struct {
    const plan_job *job;
    bool *dead;      /* by variant */
    uint64_t *calls; /* by variant, 0: not yet chosen */
} block;

static fact *fact_of(conductor *c, unsigned layer, unsigned unit) {
    return &c->facts[layer * c->p->variant_count + unit];
}

static subject subject_of(conductor *c, unsigned layer, unsigned variant) {
    const plan_variant *v = &c->p->variants[variant];
    fact *known = fact_of(c, layer, v->unit);
    const char *algorithm = ic_algorithm_name(v->algorithm);
    if (!known->name[0] && v->label[0])
        snprintf(known->name, sizeof known->name, "%s", v->label);
    return (subject){c->launch,
                     c->p->layers[layer].name,
                     known->name[0] ? known->name : algorithm,
                     algorithm,
                     known->kernel,
                     c->builds[v->build],
                     ""};
}

/* The answer is none we can use: one error record, unless the run is being stopped. */
static bool give_up(conductor *c, const subject *s) {
    answer *a = &c->a;
    if (a->status == ASK_STOPPED)
        return false;
    c->broken = true;
    if (a->status == ASK_ANSWERED && !a->reason[0]) {
        bool failed = !a->reply.error[0] && !strcmp(a->reply.word, "failed");
        snprintf(a->reason, sizeof a->reason, "%s",
                 failed              ? fields_text_or(&a->reply, "reason", "no reason given")
                 : a->reply.error[0] ? a->reply.error
                                     : "an answer that makes no sense");
    }
    emit_error(c->out, s, a->reason, a->signal);
    return false;
}

static bool ask(conductor *c, peer *p, const char *request) {
    return peer_ask(p, &c->a, c->p->worker_timeout_s, request);
}

static bool answered(const conductor *c, const char *word) {
    return !c->a.reply.error[0] && !strcmp(c->a.reply.word, word);
}

static bool start(conductor *c, unsigned build) {
    const plan *p = c->p;
    peer *w = &c->peers[build];
    char request[256];
    c->a.status = ASK_DIED;
    c->a.signal = 0;
    if (!peer_start(w, p->builds[build].exe, &c->a))
        return false;
    snprintf(request, sizeof request,
             "hello protocol=%d cpu=%d memory=%" PRIu64 " llc=%" PRIu64 " min_ns=%" PRIu64 " max_khz=%" PRIu64
             " probe=%d",
             PROTOCOL_VERSION, p->cpu, p->memory_bytes, c->caches.llc, p->min_ns, p->max_khz, c->measuring);
    if (!ask(c, w, request))
        return false;
    bool fine = answered(c, "hello");
    if (fine && !c->builds[build][0]) {
        const char *name = p->builds[build].name;
        if (*name)
            snprintf(c->builds[build], sizeof *c->builds, "%s", name);
        else
            snprintf(c->builds[build], sizeof *c->builds, "%.12s", fields_text(&c->a.reply, "build"));
    }
    if (fine && c->measuring)
        fine = emit_worker(c->out, c->launch, c->builds[build], &c->a.reply);
    if (!fine)
        peer_stop(w);
    return fine;
}

static void stop_all(conductor *c) {
    for (unsigned i = 0; i < c->p->build_count; i++)
        peer_stop(&c->peers[i]);
}

/* A worker of the variant's build that holds the layer; false: reason recorded under the variant. */
static bool ready(conductor *c, unsigned layer, unsigned variant, peer **worker) {
    unsigned build = c->p->variants[variant].build;
    peer *w = *worker = &c->peers[build];
    char request[1024];
    if (!w->pid && !start(c, build)) {
        subject s = subject_of(c, layer, variant);
        return give_up(c, &s);
    }
    if (w->layer == (int)layer)
        return true;
    subject s = subject_of(c, layer, variant);
    layer_print(&c->p->layers[layer], request, sizeof request);
    if (!ask(c, w, request))
        return give_up(c, &s);
    memset(w->created, 0, c->p->variant_count);
    w->layer = (int)layer;
    if (answered(c, "ok"))
        return true;
    w->layer = -1;
    if (!answered(c, "skip"))
        return give_up(c, &s);
    emit_skip(c->out, &s, fields_text(&c->a.reply, "reason"), fields_u64(&c->a.reply, "bytes", 0, UINT64_MAX));
    return false;
}

static bool create(conductor *c, peer *w, unsigned layer, unsigned unit) {
    const plan_variant *v = &c->p->variants[unit];
    fact *known = fact_of(c, layer, unit);
    subject s = subject_of(c, layer, unit);
    char request[256], kernel[FIELDS_ENCODED(sizeof v->kernel)];
    /* What was checked is what is measured: from the check on, the kernel has its name. */
    fields_encode(known->kernel[0] ? known->kernel : v->kernel, kernel, sizeof kernel);
    snprintf(request, sizeof request, "create unit=%u algorithm=%s kernel=%s", unit, s.algorithm, kernel);
    if (!ask(c, w, request))
        return give_up(c, &s);
    if (answered(c, "skip")) {
        emit_skip(c->out, &s, fields_text(&c->a.reply, "reason"),
                  fields_has(&c->a.reply, "bytes") ? fields_u64(&c->a.reply, "bytes", 0, UINT64_MAX) : 0);
        return false;
    }
    if (!answered(c, "created"))
        return give_up(c, &s);
    if (!known->kernel[0])
        snprintf(known->kernel, sizeof known->kernel, "%s", fields_text(&c->a.reply, "kernel"));
    if (!known->name[0])
        snprintf(known->name, sizeof known->name, "%s/%s", s.algorithm, known->kernel);
    w->created[unit] = true;
    return true;
}

/* by: reference, every or checksum. False: it failed (recorded), or the result is wrong (recorded, c->wrong). */
static bool check(conductor *c, peer *w, unsigned layer, unsigned unit, const char *by, const char *dump, bool quiet) {
    fact *known = fact_of(c, layer, unit);
    subject s = subject_of(c, layer, unit);
    bool sum_only = !strcmp(by, "checksum");
    static char request[PROTOCOL_LINE], folder[PROTOCOL_LINE / 2];
    snprintf(request, sizeof request, "check unit=%u by=%s%s%s", unit, by, dump ? " dump=" : "",
             dump ? fields_encode(dump, folder, sizeof folder) : "");
    if (!ask(c, w, request))
        return give_up(c, &s);
    fields *f = &c->a.reply;
    uint64_t outputs = fields_u64(f, "outputs", 0, UINT64_MAX), sum = fields_u64(f, "checksum", 0, UINT64_MAX);
    double error = fields_f64(f, "error_over_bound", 0, INFINITY);
    bool ok = fields_u64(f, "ok", 0, 1);
    if (!answered(c, "checked"))
        return give_up(c, &s);
    if (sum_only) {
        ok = sum == known->checksum;
        error = (double)NAN;
    } else {
        known->checksum = sum;
    }
    if (!quiet || !ok)
        emit_check(c->out, &s, sum_only ? "checksum" : "reference", outputs, error, ok);
    c->wrong |= !ok;
    return ok;
}

/* Makes the unit known to its worker, and checks that it still gives the checked result. */
static bool prepare(conductor *c, unsigned layer, unsigned variant, peer **worker, bool again) {
    unsigned unit = c->p->variants[variant].unit;
    if (!ready(c, layer, variant, worker))
        return false;
    peer *w = *worker;
    if (w->created[unit])
        return true;
    if (!create(c, w, layer, unit))
        return false;
    subject s = subject_of(c, layer, unit);
    if (!again && !emit_layer(c->out, &s, &c->a.reply))
        return give_up(c, &s);
    if (check(c, w, layer, unit, "checksum", NULL, again))
        return true;
    if (w->pid)
        w->created[unit] = false;
    return false;
}

/* Takes one sample; false: the variant is out for this block. */
static bool sample(conductor *c, block *b, unsigned round, unsigned position, unsigned variant) {
    const plan *p = c->p;
    const plan_variant *v = &p->variants[variant];
    unsigned layer = b->job->layer;
    size_t slot = (size_t)layer * p->variant_count + variant;
    peer *w;
    if (!prepare(c, layer, variant, &w, true))
        return false;
    /* The measured CPU is cold when none of our workers ran on it just now. */
    uint64_t last = 0, now = timer_ns();
    for (unsigned i = 0; i < p->build_count; i++)
        last = c->peers[i].pid && c->peers[i].last_ns > last ? c->peers[i].last_ns : last;
    bool cold = now - last > COLD_NS;
    subject s = subject_of(c, layer, v->unit);
    char request[256];
    s.cache = v->rotate ? "rotate" : "hot";
    snprintf(request, sizeof request, "sample unit=%u cache=%s calls=%" PRIu64 " settle_ns=%" PRIu64 " first=%d",
             v->unit, s.cache, b->calls[variant], cold ? p->settle_cold_ns : p->settle_ns, !c->sampled[slot]);
    if (!ask(c, w, request))
        return give_up(c, &s);
    if (answered(c, "skip")) {
        c->refused[slot] = true;
        emit_skip(c->out, &s, fields_text(&c->a.reply, "reason"),
                  fields_has(&c->a.reply, "bytes") ? fields_u64(&c->a.reply, "bytes", 0, UINT64_MAX) : 0);
        return false;
    }
    if (!answered(c, "sampled") || !emit_sample(c->out, &s, round, position, (int)w->pid, &c->a.reply))
        return give_up(c, &s);
    c->sampled[slot] = true;
    b->calls[variant] = fields_u64(&c->a.reply, "calls", 1, UINT64_MAX);
    return true;
}

static bool already(const plan_job *job, unsigned round, unsigned position) {
    for (unsigned i = 0; i < job->done_count; i++)
        if (job->done[i] == ((uint64_t)round << 32 | position))
            return true;
    return false;
}

static bool alive(const conductor *c, const block *b, unsigned variant) {
    return !b->dead[variant] && !c->refused[(size_t)b->job->layer * c->p->variant_count + variant] && !stop_now();
}

static bool any_alive(const conductor *c, const block *b) {
    for (unsigned i = 0; i < b->job->variant_count; i++)
        if (alive(c, b, b->job->variants[i]))
            return true;
    return false;
}

static void run_round(conductor *c, block *b, unsigned round, unsigned *order) {
    const plan_job *job = b->job;
    prng_round_order(job->seed, round, order, job->variant_count);
    for (unsigned position = 0; position < job->variant_count; position++) {
        unsigned variant = job->variants[order[position]];
        if (!alive(c, b, variant) || already(job, round, position))
            continue;
        b->dead[variant] = !sample(c, b, round, position, variant);
        telemetry_read(c->p, c->out, c->launch, false);
    }
    telemetry_read(c->p, c->out, c->launch, true);
}

/* Objects and checksums of the units that this block uses; what fails is dead in it. */
static void prepare_block(conductor *c, block *b) {
    const plan *p = c->p;
    const plan_job *job = b->job;
    for (unsigned i = 0; i < job->variant_count; i++) {
        unsigned variant = job->variants[i], unit = p->variants[variant].unit;
        bool tried = false, fine = fact_of(c, job->layer, unit)->usable;
        for (unsigned k = 0; k < i; k++)
            if (p->variants[job->variants[k]].unit == unit) {
                tried = true;
                fine = !b->dead[job->variants[k]];
            }
        peer *w;
        bool needed = fine && !tried && alive(c, b, variant);
        b->dead[variant] = !fine || (needed && !prepare(c, job->layer, variant, &w, false));
    }
}

static void run_job(conductor *c, const plan_job *job) {
    const plan *p = c->p;
    uint64_t start = timer_ns();
    unsigned launches = 0, round = job->first_round, *order = calloc(job->variant_count, sizeof *order);
    block b = {job, calloc(p->variant_count, sizeof(bool)), calloc(p->variant_count, sizeof(uint64_t))};
    if (!order || !b.dead || !b.calls) {
        fputs("convbench: out of memory\n", stderr);
        exit(EXIT_WORKER);
    }
    for (unsigned i = 0; i < p->job_count; i++)
        launches += p->jobs[i].layer == job->layer;
    double budget = p->budget_s / launches;
    if (round < job->rounds)
        prepare_block(c, &b);
    uint64_t first = timer_ns();
    while (round < job->rounds && any_alive(c, &b)) {
        double now = (double)timer_ns(), ran = round - job->first_round;
        double expected = ran > 0 ? (now - (double)first) / ran : 0;
        if (ran > 0 && (now - (double)start + expected) / 1e9 > budget)
            break;
        run_round(c, &b, round, order);
        if (!stop_now())
            round++;
    }
    if (!stop_now())
        emit_block(c->out, job->launch, p->layers[job->layer].name, round, job->rounds,
                   (double)(timer_ns() - start) / 1e9);
    free(order);
    free(b.dead);
    free(b.calls);
}

/* Every unit that some job (of the first launch, for verify) uses, against the reference. */
static void check_all(conductor *c, bool first_launch, const char *by, const char *dump) {
    const plan *p = c->p;
    unsigned char *seen = calloc((size_t)p->layer_count * p->variant_count, 1);
    c->launch = p->jobs[0].launch;
    c->measuring = false;
    for (unsigned k = 0; seen && k < p->job_count; k++) { /* layers in the order of their first job */
        const plan_job *job = &p->jobs[k];
        for (unsigned i = 0; i < job->variant_count && !stop_now(); i++) {
            unsigned unit = p->variants[job->variants[i]].unit;
            unsigned char *done = &seen[(size_t)job->layer * p->variant_count + unit];
            peer *w;
            if (*done || (first_launch && job->launch != c->launch))
                continue;
            *done = 1;
            const layer_shape *l = &p->layers[job->layer];
            const char *how = by ? by : l->macs < 0x1p31 ? "every" : "reference";
            fact_of(c, job->layer, unit)->usable = ready(c, job->layer, unit, &w) && create(c, w, job->layer, unit) &&
                                                   check(c, w, job->layer, unit, how, dump, false);
        }
    }
    free(seen);
    stop_all(c);
}

/* The conductor keeps off the measured CPU where it may. */
static void keep_off(const plan *p) {
    cpu_set set;
    if (p->conductor_cpus[0]) {
        if (cpu_set_parse(p->conductor_cpus, &set) && !affinity_set(&set))
            fprintf(stderr, "convbench: the conductor cannot run on CPUs %s; it runs where it is\n", p->conductor_cpus);
        return;
    }
    if (!affinity_get(&set))
        return;
    cpu_set_put(&set, p->cpu, false);
    if (!cpu_set_empty(&set))
        affinity_set(&set);
}

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fputs("convbench: out of memory\n", stderr);
        exit(EXIT_WORKER);
    }
    return memory;
}

static void begin(conductor *c, const plan *p, records *out) {
    size_t pairs = (size_t)p->layer_count * p->variant_count;
    memset(c, 0, sizeof *c);
    c->p = p;
    c->out = out;
    stop_arm(p->deadline_s);
    keep_off(p);
    c->caches = cpu_caches_read(p->cpu, p->llc_bytes);
    c->peers = zeroed(p->build_count, sizeof *c->peers);
    c->builds = zeroed(p->build_count, sizeof *c->builds);
    c->facts = zeroed(pairs, sizeof *c->facts);
    c->refused = zeroed(pairs, sizeof *c->refused);
    c->sampled = zeroed(pairs, sizeof *c->sampled);
    for (unsigned i = 0; i < p->build_count; i++) {
        c->peers[i].created = zeroed(p->variant_count, 1);
        snprintf(c->builds[i], sizeof *c->builds, "%s", p->builds[i].name);
    }
    emit_header(out, p, &c->caches);
}

static int finish(conductor *c) {
    stop_reason why = stop_now();
    stop_all(c);
    emit_end(c->out, why == STOP_SIGNAL ? "signal" : why == STOP_DEADLINE ? "deadline" : "done");
    return why == STOP_SIGNAL     ? EXIT_SIGNAL
           : c->wrong             ? EXIT_WRONG
           : c->broken            ? EXIT_WORKER
           : why == STOP_DEADLINE ? EXIT_DEADLINE
                                  : EXIT_DONE;
}

int conductor_run(const plan *p, records *out) {
    static conductor c;
    begin(&c, p, out);
    check_all(&c, false, "reference", NULL);
    c.measuring = true;
    for (unsigned k = 0; k < p->job_count && !stop_now(); k++) {
        if (k == 0 || p->jobs[k].launch != c.launch) {
            stop_all(&c); /* a launch has processes of its own */
            c.launch = p->jobs[k].launch;
            gate_wait(&p->gate, out, c.launch);
        }
        if (!stop_now())
            run_job(&c, &p->jobs[k]);
    }
    return finish(&c);
}

static bool dump_layers(const plan *p, const char *folder) {
    char path[4096];
    json j = {0};
    json_open(&j, NULL, '[');
    for (unsigned i = 0; i < p->layer_count; i++) {
        const layer_shape *l = &p->layers[i];
        const ic_conv2d_desc *d = &l->desc;
        json_open(&j, NULL, '{');
        json_text(&j, "name", l->name);
        const struct {
            const char *key;
            size_t value;
        } numbers[] = {{"h", l->height},        {"w", l->width},           {"kh", d->kernel_height},
                       {"kw", d->kernel_width}, {"groups", d->groups},     {"batch", l->batch},
                       {"cin", d->in_channels}, {"cout", d->out_channels}, {"out_h", l->out_height},
                       {"out_w", l->out_width}};
        for (unsigned k = 0; k < sizeof numbers / sizeof *numbers; k++)
            json_size(&j, numbers[k].key, numbers[k].value);
        const uint32_t sides[3][4] = {{d->pad_top, d->pad_right, d->pad_bottom, d->pad_left},
                                      {d->stride_height, d->stride_width, 0, 0},
                                      {d->dilation_height, d->dilation_width, 0, 0}};
        static const char *const names[] = {"pad", "stride", "dilation"};
        for (unsigned k = 0; k < 3; k++) {
            json_open(&j, names[k], '[');
            for (unsigned n = 0; n < (k ? 2u : 4u); n++)
                json_size(&j, NULL, sides[k][n]);
            json_close(&j, ']');
        }
        json_number(&j, "min", (double)d->output_min); /* not clamped: null */
        json_number(&j, "max", (double)d->output_max);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    snprintf(path, sizeof path, "%s/layers.json", folder);
    FILE *file = fopen(path, "wb");
    bool whole = file && fwrite(j.text, 1, j.length, file) == j.length && fputc('\n', file) != EOF;
    whole = file && !fclose(file) && whole;
    if (!whole)
        fprintf(stderr, "convbench: cannot write %s: %s\n", path, strerror(errno));
    json_free(&j);
    return whole;
}

int conductor_verify(const plan *p, records *out, const char *dump) {
    static conductor c;
    if (dump && !dump_layers(p, dump))
        return EXIT_BAD_PLAN;
    begin(&c, p, out);
    check_all(&c, true, NULL, dump);
    return finish(&c);
}
