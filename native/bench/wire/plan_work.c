/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/plan_work.h"

#include "wire/algorithms.h"
#include "wire/protocol.h"

#include <stdio.h>
#include <string.h>

/* A foreign program's rows are called by its name: it must be one, and no other's. */
static void check_program(fields *f, const plan *p, const plan_build *b) {
    ic_algorithm ours;
    ic_layout layout;
    const size_t length = strlen(b->name);
    if (!length || length >= PLAN_PROGRAM ||
        strspn(b->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") != length) {
        fields_fail(f, "name=%.60s of a foreign program is not 1 to %d of A-Z a-z 0-9 _ . -", b->name,
                    PLAN_PROGRAM - 1);
    }
    if (algorithms_read(b->name, &ours, &layout) || !strcmp(b->name, "published") || !strcmp(b->name, "best")) {
        fields_fail(f, "name=%s of a foreign program is a name of ours", b->name);
    }
    if (!b->exe[0] != !!b->absent) {
        fields_fail(f, b->absent ? "absent=, but exe= names a program" : "exe= of a foreign program is empty");
    }
    for (unsigned i = 0; i + 1 < p->build_count; i++) {
        if (p->builds[i].foreign && !strcmp(p->builds[i].name, b->name)) {
            fields_fail(f, "a second foreign program named %s", b->name);
        }
    }
}

void plan_read_build(plan_reader *r) {
    fields *f = &r->f;
    uint64_t index = fields_u64(f, "index", 0, PLAN_COUNT_LIMIT);
    if (!f->error[0] && index != r->p->build_count) {
        fields_fail(f, "index=%llu, but this is build %u", (unsigned long long)index, r->p->build_count);
    }
    plan_build *b = PLAN_APPEND(r->p->builds, r->p->build_count);
    b->exe = plan_kept(fields_text(f, "exe"));
    b->name = plan_kept(fields_text(f, "name"));
    b->foreign = fields_has(f, "foreign") && fields_u64(f, "foreign", 0, 1);
    b->absent = fields_has(f, "absent") ? plan_kept(fields_text(f, "absent")) : NULL;
    if (!f->error[0] && b->absent && !b->foreign) {
        fields_fail(f, "absent= of a program that is not foreign");
    }
    if (!f->error[0] && b->foreign) {
        check_program(f, r->p, b);
    }
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

static void read_threads(fields *f, const plan *p, plan_variant *v) {
    v->threads = (unsigned)fields_u64(f, "threads", 1, IC_MAX_THREADS);
    unsigned cpus = cpu_set_count(&p->cpus);
    if (!f->error[0] && v->threads > 1 && v->threads > cpus) {
        fields_fail(f, "threads=%u, but cpus= of the run are %u", v->threads, cpus);
    }
}

/* What runs: an algorithm of ours, or the foreign program of the variant's build. */
static void read_algorithm(fields *f, const plan *p, plan_variant *v) {
    const char *algorithm = fields_text(f, "algorithm");
    if (f->error[0]) {
        return;
    }
    const plan_build *b = &p->builds[v->build];
    if (!b->foreign) {
        if (!algorithms_read(algorithm, &v->algorithm, &v->layout)) {
            fields_fail(f, "algorithm=%.40s is not known", algorithm);
        }
        return;
    }
    v->program = b->name;
    if (strcmp(algorithm, b->name)) {
        fields_fail(f, "algorithm=%.40s: build %u is a foreign program, whose variants have algorithm=%s", algorithm,
                    v->build, b->name);
    }
    if (strcmp(fields_text(f, "schedule"), "default") || !v->is_best || *fields_text(f, "label")) {
        fields_fail(f, "a variant of a foreign program has schedule=default face=best and an empty label");
    }
}

/* Whether two variants have one convolution object, with its check: they differ in the cache mode at most. */
static bool is_same_object(const plan_variant *a, const plan_variant *b) {
    return a->algorithm == b->algorithm && a->layout == b->layout && a->is_best == b->is_best && a->build == b->build &&
           a->threads == b->threads && !strcmp(a->schedule, b->schedule) && !strcmp(a->label, b->label);
}

void plan_read_variant(plan_reader *r) {
    fields *f = &r->f;
    plan *p = r->p;
    uint64_t index = fields_u64(f, "index", 0, PROTOCOL_OBJECTS - 1);
    if (!f->error[0] && index != p->variant_count) {
        fields_fail(f, "index=%llu, but this is variant %u", (unsigned long long)index, p->variant_count);
    }
    plan_variant *v = PLAN_APPEND(p->variants, p->variant_count);
    v->is_best = is_second(f, "face", "published", "best");
    v->build = (unsigned)fields_u64(f, "build", 0, PLAN_COUNT_LIMIT);
    if (!f->error[0] && v->build >= p->build_count) {
        fields_fail(f, "build=%u is not defined above", v->build);
    }
    read_algorithm(f, p, v);
    read_schedule(f, v);
    v->rotate = is_second(f, "cache", "hot", "rotate");
    read_threads(f, p, v);
    const char *label = fields_text(f, "label");
    if (strlen(label) >= sizeof v->label) {
        fields_fail(f, "label=%.80s is too long", label);
    }
    snprintf(v->label, sizeof v->label, "%s", label);
    v->shares_placement = fields_has(f, "placement") && is_second(f, "placement", "own", "shared");
    if (!f->error[0] && v->shares_placement && v->program) {
        fields_fail(f, "placement=shared: a foreign program is not told where to place its buffers");
    }
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

void plan_read_layer(plan_reader *r) {
    layer_shape *l = PLAN_APPEND(r->p->layers, r->p->layer_count);
    layer_parse(&r->f, l);
    for (unsigned i = 0; i + 1 < r->p->layer_count; i++) {
        if (!strcmp(r->p->layers[i].name, l->name)) {
            fields_fail(&r->f, "a second layer named %s", l->name);
        }
    }
}

static unsigned layer_of(plan_reader *r, const char *name) {
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

void plan_read_known(plan_reader *r) {
    fields *f = &r->f;
    plan_known *k = PLAN_APPEND(r->p->knowns, r->p->known_count);
    k->layer = layer_of(r, fields_text(f, "layer"));
    k->variant = (unsigned)fields_u64(f, "variant", 0, PROTOCOL_OBJECTS - 1);
    if (!f->error[0] && k->variant >= r->p->variant_count) {
        fields_fail(f, "variant %u is not defined above", k->variant);
    }
    k->calls = fields_u64(f, "calls", 0, UINT64_MAX);
    k->excluded = fields_u64(f, "excluded", 0, 1);
}

void plan_read_job(plan_reader *r) {
    fields *f = &r->f;
    plan *p = r->p;
    plan_job *j = PLAN_APPEND(p->jobs, p->job_count);
    j->launch = (unsigned)fields_u64(f, "launch", 0, PLAN_COUNT_LIMIT);
    j->layer = layer_of(r, fields_text(f, "layer"));
    j->seed = fields_u64(f, "seed", 0, UINT64_MAX);
    j->rounds = (unsigned)fields_u64(f, "rounds", 1, PLAN_COUNT_LIMIT);
    j->first_round = (unsigned)fields_u64(f, "first_round", 0, j->rounds);
    const char *variants = fields_text(f, "variants"), *done = fields_text(f, "done");
    uint64_t first = 0, second = 0;
    if (!*variants) {
        fields_fail(f, "variants= names none");
    }
    for (const char *at = variants; !f->error[0] && *at;) {
        if (!fields_item(&at, PLAN_COUNT_LIMIT, &first, NULL)) {
            fields_fail(f, "variants=%.60s is not a list of numbers", variants);
        } else if (first >= p->variant_count) {
            fields_fail(f, "variant %llu is not defined above", (unsigned long long)first);
        }
        for (unsigned i = 0; i < j->variant_count; i++) {
            if (j->variants[i] == first) {
                fields_fail(f, "variant %llu stands twice", (unsigned long long)first);
            }
        }
        *PLAN_APPEND(j->variants, j->variant_count) = (unsigned)first;
    }
    for (const char *at = done; !f->error[0] && *at;) {
        if (!fields_item(&at, PLAN_COUNT_LIMIT, &first, &second)) {
            fields_fail(f, "done=%.60s is not a list of ROUND.POSITION", done);
        }
        *PLAN_APPEND(j->done, j->done_count) = first << 32 | second;
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
