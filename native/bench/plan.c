/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include "affinity.h"
#include "core/algorithm.h"
#include "emit.h"
#include "sha256.h"
#include "textfile.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "convbench-plan 2"
#define COUNT_LIMIT 1000000
#define VARIANT_LIMIT 4096 /* a worker has room for as many */

typedef struct {
    plan *p;
    fields f;
    bool run, measure, gate, khz, tuned;
} reader;

static void *grown(void *array, unsigned count, size_t size) {
    void *more = realloc(array, (count + 1) * size);
    if (!more) {
        fputs("convbench: out of memory for the plan\n", stderr);
        exit(3);
    }
    memset((char *)more + count * size, 0, size);
    return more;
}

#define APPEND(array, count) ((array) = grown((array), (count), sizeof *(array)), &(array)[(count)++])

static char *kept(const char *text) {
    size_t n = strlen(text) + 1;
    return memcpy(grown(NULL, 0, n), text, n);
}

static void once(reader *r, bool *seen) {
    if (*seen) {
        fields_fail(&r->f, "a second '%s' line", r->f.word);
    }
    *seen = true;
}

static void read_run(reader *r) {
    fields *f = &r->f;
    plan *p = r->p;
    once(r, &r->run);
    p->run_id = kept(fields_text(f, "id"));
    p->cluster = kept(fields_text(f, "cluster"));
    p->attempt = (unsigned)fields_u64(f, "attempt", 0, COUNT_LIMIT);
    p->cpu = (int)fields_u64(f, "cpu", 0, CPU_LIMIT - 1);
    p->conductor_cpus = kept(fields_text_or(f, "conductor_cpus", ""));
    p->deadline_s = fields_f64(f, "deadline_s", 0, 1e7);
    p->tool = kept(fields_text(f, "tool"));
    cpu_set set;
    if (p->conductor_cpus[0] && !cpu_set_parse(p->conductor_cpus, &set)) {
        fields_fail(f, "conductor_cpus=%.60s is not a CPU list", p->conductor_cpus);
    }
}

static void read_measure(reader *r) {
    fields *f = &r->f;
    plan *p = r->p;
    once(r, &r->measure);
    p->min_ns = fields_u64(f, "min_ns", 1, UINT64_C(60000000000));
    p->budget_s = fields_f64(f, "budget_s", 0, 1e7);
    p->launches = (unsigned)fields_u64(f, "launches", 1, COUNT_LIMIT);
    p->memory_bytes = fields_u64(f, "memory_bytes", 4096, SIZE_MAX / 2);
    p->settle_ns = fields_u64(f, "settle_ms", 0, 60000) * 1000000;
    p->settle_cold_ns = fields_u64(f, "settle_cold_ms", 0, 60000) * 1000000;
    p->worker_timeout_s = fields_f64(f, "worker_timeout_s", 0.1, 1e6);
    p->llc_bytes = fields_u64(f, "llc_bytes", 0, UINT64_C(1) << 40);
}

static double celsius_or_unknown(fields *f, const char *key, bool optional) {
    const char *text = optional ? fields_text_or(f, key, "unknown") : fields_text(f, key);
    return strcmp(text, "unknown") ? fields_f64(f, key, -100, 1000) : (double)NAN;
}

static void read_gate(reader *r) {
    fields *f = &r->f;
    plan_gate *g = &r->p->gate;
    once(r, &r->gate);
    const char *kind = fields_text(f, "kind");
    g->kind = !strcmp(kind, "file") ? GATE_FILE : !strcmp(kind, "battery") ? GATE_BATTERY : GATE_NONE;
    if (g->kind == GATE_NONE && strcmp(kind, "none")) {
        fields_fail(f, "kind=%.40s is not file, battery or none", kind);
    }
    bool none = g->kind == GATE_NONE;
    g->source = kept(none ? fields_text_or(f, "source", "") : fields_text(f, "source"));
    g->path = kept(g->kind == GATE_FILE ? fields_text(f, "path") : fields_text_or(f, "path", ""));
    g->plateau_c = celsius_or_unknown(f, "plateau_c", none);
    g->baseline_c = celsius_or_unknown(f, "baseline_c", none);
    g->scale = fields_has(f, "scale") || g->kind == GATE_FILE ? fields_f64(f, "scale", -1e6, 1e6) : 1;
#define NUMBER(key, high) (fields_has(f, key) || !none ? fields_f64(f, key, 0, high) : 0)
    g->tolerance_c = NUMBER("tolerance_c", 1000);
    g->cap_s = NUMBER("cap_s", 1e6);
    g->window_s = NUMBER("window_s", 1e6);
    g->slope_c = NUMBER("slope_c", 1000);
#undef NUMBER
}

static void read_watch(reader *r) {
    fields *f = &r->f;
    const char *kind = fields_text(f, "kind");
    plan_watch *w = APPEND(r->p->watches, r->p->watch_count);
    w->temperature = !strcmp(kind, "temp");
    if (!w->temperature && strcmp(kind, "freq")) {
        fields_fail(f, "kind=%.40s is not freq or temp", kind);
    }
    w->name = kept(fields_text(f, "name"));
    w->path = kept(fields_text(f, "path"));
    w->scale = w->temperature || fields_has(f, "scale") ? fields_f64(f, "scale", -1e6, 1e6) : 1;
    for (unsigned i = 0; i + 1 < r->p->watch_count; i++) {
        if (r->p->watches[i].temperature == w->temperature && !strcmp(r->p->watches[i].name, w->name)) {
            fields_fail(f, "a second watch of kind=%s name=%.60s", kind, w->name);
        }
    }
}

static void read_tuned(reader *r) {
    once(r, &r->tuned);
    r->p->tuned = kept(fields_text(&r->f, "path"));
}

static void read_build(reader *r) {
    fields *f = &r->f;
    uint64_t index = fields_u64(f, "index", 0, COUNT_LIMIT);
    if (!f->error[0] && index != r->p->build_count) {
        fields_fail(f, "index=%llu, but this is build %u", (unsigned long long)index, r->p->build_count);
    }
    *APPEND(r->p->builds, r->p->build_count) = (plan_build){kept(fields_text(f, "exe")), kept(fields_text(f, "name"))};
}

static void read_schedule(fields *f, plan_variant *v) {
    const char *schedule = fields_text(f, "schedule");
    if (!*schedule || strlen(schedule) >= sizeof v->schedule) {
        fields_fail(f, "schedule=%.80s is not a schedule's name", schedule);
    }
    if (v->algorithm == IC_ALGORITHM_AUTO && strcmp(schedule, "default")) {
        fields_fail(f, "schedule=%.80s: algorithm=auto chooses it, write schedule=default", schedule);
    }
    snprintf(v->schedule, sizeof v->schedule, "%s", schedule);
}

/* Whether one of two words is there; it is the second. */
static bool is_second(fields *f, const char *key, const char *first, const char *second) {
    const char *text = fields_text(f, key);
    bool is_it = !strcmp(text, second);
    if (!is_it && strcmp(text, first)) {
        fields_fail(f, "%s=%.40s is not %s or %s", key, text, first, second);
    }
    return is_it;
}

static void read_threads(fields *f, plan_variant *v) {
    const char *threads = fields_text(f, "threads");
    if (strcmp(threads, "1")) {
        fields_fail(f, "threads=%.40s is not covered: 1", threads);
    }
    v->threads = 1;
}

/* Whether two variants have one convolution object, with its check: they differ in the cache mode at most. */
static bool is_same_object(const plan_variant *a, const plan_variant *b) {
    return a->algorithm == b->algorithm && a->is_best == b->is_best && a->build == b->build &&
           a->threads == b->threads && !strcmp(a->schedule, b->schedule) && !strcmp(a->label, b->label);
}

static void read_variant(reader *r) {
    fields *f = &r->f;
    plan *p = r->p;
    uint64_t index = fields_u64(f, "index", 0, VARIANT_LIMIT - 1);
    if (!f->error[0] && index != p->variant_count) {
        fields_fail(f, "index=%llu, but this is variant %u", (unsigned long long)index, p->variant_count);
    }
    plan_variant *v = APPEND(p->variants, p->variant_count);
    const char *algorithm = fields_text(f, "algorithm");
    if (!f->error[0] && !ic_algorithm_from_name(algorithm, &v->algorithm)) {
        fields_fail(f, "algorithm=%.40s is not known", algorithm);
    }
    read_schedule(f, v);
    v->is_best = is_second(f, "face", "published", "best");
    v->build = (unsigned)fields_u64(f, "build", 0, COUNT_LIMIT);
    if (!f->error[0] && v->build >= p->build_count) {
        fields_fail(f, "build=%u is not defined above", v->build);
    }
    v->rotate = is_second(f, "cache", "hot", "rotate");
    read_threads(f, v);
    const char *label = fields_text(f, "label");
    if (strlen(label) >= sizeof v->label) {
        fields_fail(f, "label=%.80s is too long", label);
    }
    snprintf(v->label, sizeof v->label, "%s", label);
    v->object = p->variant_count - 1;
    for (unsigned i = 0; i + 1 < p->variant_count; i++) {
        if (!is_same_object(&p->variants[i], v)) {
            continue;
        }
        v->object = p->variants[i].object;
        if (p->variants[i].rotate == v->rotate) {
            fields_fail(f, "the same as variant %u; give one of them a label", i);
        }
    }
}

static void read_layer(reader *r) {
    layer_shape *l = APPEND(r->p->layers, r->p->layer_count);
    layer_parse(&r->f, l);
    for (unsigned i = 0; i + 1 < r->p->layer_count; i++) {
        if (!strcmp(r->p->layers[i].name, l->name)) {
            fields_fail(&r->f, "a second layer named %s", l->name);
        }
    }
}

static unsigned layer_of(reader *r, const char *name) {
    const plan *p = r->p;
    unsigned layer = 0;
    while (layer < p->layer_count && strcmp(p->layers[layer].name, name)) {
        layer++;
    }
    if (!r->f.error[0] && layer == p->layer_count) {
        fields_fail(&r->f, "layer=%.90s is not defined above", name);
    }
    return layer;
}

static void read_known(reader *r) {
    fields *f = &r->f;
    plan_known *k = APPEND(r->p->knowns, r->p->known_count);
    k->layer = layer_of(r, fields_text(f, "layer"));
    k->variant = (unsigned)fields_u64(f, "variant", 0, VARIANT_LIMIT - 1);
    if (!f->error[0] && k->variant >= r->p->variant_count) {
        fields_fail(f, "variant %u is not defined above", k->variant);
    }
    k->calls = fields_u64(f, "calls", 0, UINT64_MAX);
    k->out = fields_u64(f, "out", 0, 1);
}

static void read_job(reader *r) {
    fields *f = &r->f;
    plan *p = r->p;
    plan_job *j = APPEND(p->jobs, p->job_count);
    j->launch = (unsigned)fields_u64(f, "launch", 0, COUNT_LIMIT);
    j->layer = layer_of(r, fields_text(f, "layer"));
    j->seed = fields_u64(f, "seed", 0, UINT64_MAX);
    j->rounds = (unsigned)fields_u64(f, "rounds", 1, COUNT_LIMIT);
    j->first_round = (unsigned)fields_u64(f, "first_round", 0, j->rounds);
    const char *variants = fields_text(f, "variants"), *done = fields_text(f, "done");
    uint64_t first = 0, second = 0;
    if (!*variants) {
        fields_fail(f, "variants= names none");
    }
    for (const char *at = variants; !f->error[0] && *at;) {
        if (!fields_item(&at, COUNT_LIMIT, &first, NULL)) {
            fields_fail(f, "variants=%.60s is not a list of numbers", variants);
        } else if (first >= p->variant_count) {
            fields_fail(f, "variant %llu is not defined above", (unsigned long long)first);
        }
        for (unsigned i = 0; i < j->variant_count; i++) {
            if (j->variants[i] == first) {
                fields_fail(f, "variant %llu stands twice", (unsigned long long)first);
            }
        }
        *APPEND(j->variants, j->variant_count) = (unsigned)first;
    }
    for (const char *at = done; !f->error[0] && *at;) {
        if (!fields_item(&at, COUNT_LIMIT, &first, &second)) {
            fields_fail(f, "done=%.60s is not a list of ROUND.POSITION", done);
        }
        *APPEND(j->done, j->done_count) = first << 32 | second;
    }
    const plan_job *before = p->job_count > 1 ? j - 1 : NULL;
    if (before && before->launch > j->launch) {
        fields_fail(f, "launch=%u after launch=%u: jobs are grouped by launch", j->launch, before->launch);
    }
    for (unsigned i = 0; i + 1 < p->job_count; i++) {
        if (p->jobs[i].launch == j->launch && p->jobs[i].layer == j->layer) {
            fields_fail(f, "a second job for layer %s in launch %u", p->layers[j->layer].name, j->launch);
        }
    }
}

static void read_line(reader *r) {
    static const struct {
        const char *word;
        void (*read)(reader *);
    } table[] = {{"run", read_run},     {"measure", read_measure}, {"gate", read_gate},       {"watch", read_watch},
                 {"tuned", read_tuned}, {"build", read_build},     {"variant", read_variant}, {"layer", read_layer},
                 {"known", read_known}, {"job", read_job}};
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        if (!strcmp(r->f.word, table[i].word)) {
            table[i].read(r);
            fields_end(&r->f);
            return;
        }
    }
    if (!strcmp(r->f.word, "max_khz")) {
        once(r, &r->khz);
        r->p->max_khz = fields_u64(&r->f, "khz", 0, UINT64_C(1) << 40);
        fields_end(&r->f);
        return;
    }
    fields_fail(&r->f, "unknown word '%.40s'", r->f.word);
}

static bool complain(unsigned line, const char *reason) {
    fprintf(stderr, "plan line %u: %s\n", line, reason);
    return false;
}

/* Whether the file is a plan of our version. */
static bool first_line(const char *line) {
    char reason[160];
    if (!strcmp(line, FIRST_LINE)) {
        return true;
    }
    if (strncmp(line, "convbench-plan ", 15) || line[15] < '0' || line[15] > '9') {
        return complain(1, "the first line is not '" FIRST_LINE "'");
    }
    snprintf(reason, sizeof reason, "'%.40s': %s reads it, this is convbench %s, which reads version 2", line,
             strcmp(line + 15, "1") ? "another convbench" : "convbench 0.1", emit_version());
    return complain(1, reason);
}

bool plan_read(plan *p, const char *path) {
    size_t bytes;
    memset(p, 0, sizeof *p);
    p->gate.source = p->gate.path = kept("");
    char *text = textfile_read(path, &bytes);
    if (!text) {
        fprintf(stderr, "convbench: cannot read the plan %s: %s\n", path, strerror(errno));
        return false;
    }
    sha256_hex(text, bytes, p->hash);
    if (strlen(text) != bytes) {
        return complain(1, "the file holds a NUL byte");
    }
    reader r = {.p = p};
    unsigned number = 0;
    for (char *line = text, *next; *line; line = next) {
        number++;
        next = line + strcspn(line, "\n");
        if (!*next) {
            return complain(number, "the last line is cut: it has no line end");
        }
        *next++ = 0;
        line += strspn(line, " ");
        if (number == 1) {
            if (!first_line(line)) {
                return false;
            }
            continue;
        }
        if (!*line || *line == '#') {
            continue;
        }
        fields_parse(&r.f, line);
        if (!r.f.error[0]) {
            read_line(&r);
        }
        if (r.f.error[0]) {
            return complain(number, r.f.error);
        }
    }
    const char *missing = !number             ? FIRST_LINE
                          : !r.run            ? "run"
                          : !r.measure        ? "measure"
                          : !p->build_count   ? "build"
                          : !p->variant_count ? "variant"
                          : !p->layer_count   ? "layer"
                          : !p->job_count     ? "job"
                                              : NULL;
    if (missing) {
        char reason[64];
        snprintf(reason, sizeof reason, "the plan ends without a '%s' line", missing);
        return complain(number + 1, reason);
    }
    return true;
}
