/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/plan_settings.h"

#include "machine/affinity.h"

#include <math.h>
#include <string.h>

void plan_read_run(plan_reader *r) {
    fields *f = &r->f;
    plan *p = r->p;
    plan_once(r, &r->run);
    p->run_id = plan_kept(fields_text(f, "id"));
    p->cluster = plan_kept(fields_text(f, "cluster"));
    p->attempt = (unsigned)fields_u64(f, "attempt", 0, PLAN_COUNT_LIMIT);
    p->cpu = (int)fields_u64(f, "cpu", 0, CPU_LIMIT - 1);
    p->conductor_cpus = plan_kept(fields_text_or(f, "conductor_cpus", ""));
    p->deadline_s = fields_f64(f, "deadline_s", 0, 1e7);
    p->tool = plan_kept(fields_text(f, "tool"));
    cpu_set set;
    const char *cpus = fields_text_or(f, "cpus", "");
    if (!*cpus) {
        cpu_set_put(&p->cpus, p->cpu, true);
    } else if (!cpu_set_parse(cpus, &p->cpus) || !cpu_set_has(&p->cpus, p->cpu)) {
        fields_fail(f, "cpus=%.60s is not a CPU list that holds cpu=%d", cpus, p->cpu);
    }
    if (p->conductor_cpus[0] && !cpu_set_parse(p->conductor_cpus, &set)) {
        fields_fail(f, "conductor_cpus=%.60s is not a CPU list", p->conductor_cpus);
    }
}

void plan_read_measure(plan_reader *r) {
    fields *f = &r->f;
    plan *p = r->p;
    plan_once(r, &r->measure);
    p->min_ns = fields_u64(f, "min_ns", 1, UINT64_C(60000000000));
    p->budget_s = fields_f64(f, "budget_s", 0, 1e7);
    p->launches = (unsigned)fields_u64(f, "launches", 1, PLAN_COUNT_LIMIT);
    p->memory_bytes = fields_u64(f, "memory_bytes", 4096, SIZE_MAX / 2);
    p->settle_ns = fields_u64(f, "settle_ms", 0, 60000) * 1000000;
    p->settle_cold_ns = fields_u64(f, "settle_cold_ms", 0, 60000) * 1000000;
    p->worker_timeout_s = fields_f64(f, "worker_timeout_s", 0.1, 1e6);
    p->llc_bytes = fields_u64(f, "llc_bytes", 0, UINT64_C(1) << 40);
    p->fill = fields_has(f, "fill") && fields_u64(f, "fill", 0, 1);
    p->duty = fields_has(f, "duty") ? fields_f64(f, "duty", 0.001, 1) : 1;
}

static double known_or_not(fields *f, const char *key, double low, double high, bool optional) {
    const char *text = optional ? fields_text_or(f, key, "unknown") : fields_text(f, key);
    return strcmp(text, "unknown") ? fields_f64(f, key, low, high) : (double)NAN;
}

static double number_or(fields *f, const char *key, double high, double otherwise) {
    return fields_has(f, key) ? fields_f64(f, key, 0, high) : otherwise;
}

void plan_read_gate(plan_reader *r) {
    fields *f = &r->f;
    plan_gate *g = &r->p->gate;
    plan_once(r, &r->gate);
    const char *kind = fields_text(f, "kind");
    g->kind = !strcmp(kind, "file") ? GATE_FILE : !strcmp(kind, "battery") ? GATE_BATTERY : GATE_NONE;
    if (g->kind == GATE_NONE && strcmp(kind, "none")) {
        fields_fail(f, "kind=%.40s is not file, battery or none", kind);
    }
    bool none = g->kind == GATE_NONE;
    g->source = plan_kept(none ? fields_text_or(f, "source", "") : fields_text(f, "source"));
    g->path = plan_kept(g->kind == GATE_FILE ? fields_text(f, "path") : fields_text_or(f, "path", ""));
    g->plateau_c = known_or_not(f, "plateau_c", -100, 1000, none);
    g->baseline_c = known_or_not(f, "baseline_c", -100, 1000, none);
    g->cool_mhz = known_or_not(f, "cool_mhz", 0, 1e6, true);
    g->hint_mhz = known_or_not(f, "hint_mhz", 0, 1e6, true);
    g->scale = fields_has(f, "scale") || g->kind == GATE_FILE ? fields_f64(f, "scale", -1e6, 1e6) : 1;
#define NUMBER(key, high) (fields_has(f, key) || !none ? fields_f64(f, key, 0, high) : 0)
    g->tolerance_c = NUMBER("tolerance_c", 1000);
    g->cap_s = NUMBER("cap_s", 1e6);
    g->window_s = NUMBER("window_s", 1e6);
    g->slope_c = NUMBER("slope_c", 1000);
#undef NUMBER
    g->look_s = number_or(f, "look_s", 1e6, g->window_s);
    g->look_c = number_or(f, "look_c", 1000, g->slope_c);
    g->share = number_or(f, "share", 1, 1);
    g->launch_s = number_or(f, "launch_s", 1e9, 0);
    g->credit_s = number_or(f, "credit_s", 1e9, 0);
    const char *clock = fields_text_or(f, "clock", "probe");
    g->probes_nothing = !strcmp(clock, "system");
    if (!g->probes_nothing && strcmp(clock, "probe")) {
        fields_fail(f, "clock=%.40s is not probe or system", clock);
    }
}

void plan_read_watch(plan_reader *r) {
    fields *f = &r->f;
    const char *kind = fields_text(f, "kind");
    plan_watch *w = PLAN_APPEND(r->p->watches, r->p->watch_count);
    w->kind = !strcmp(kind, "temp")     ? WATCH_TEMPERATURE
              : !strcmp(kind, "states") ? WATCH_STATES
              : !strcmp(kind, "text")   ? WATCH_TEXT
                                        : WATCH_FREQUENCY;
    if (w->kind == WATCH_FREQUENCY && strcmp(kind, "freq")) {
        fields_fail(f, "kind=%.40s is not freq, temp, states or text", kind);
    }
    w->name = plan_kept(fields_text(f, "name"));
    w->path = plan_kept(fields_text(f, "path"));
    w->scale = w->kind == WATCH_TEMPERATURE || fields_has(f, "scale") ? fields_f64(f, "scale", -1e6, 1e6) : 1;
    for (unsigned i = 0; i + 1 < r->p->watch_count; i++) {
        if (r->p->watches[i].kind == w->kind && !strcmp(r->p->watches[i].name, w->name)) {
            fields_fail(f, "a second watch of kind=%s name=%.60s", kind, w->name);
        }
    }
}

void plan_read_ask(plan_reader *r) {
    fields *f = &r->f;
    plan_ask *a = PLAN_APPEND(r->p->asks, r->p->ask_count);
    a->name = plan_kept(fields_text(f, "name"));
    a->argv = plan_kept(fields_text(f, "argv"));
    a->keep = plan_kept(fields_text(f, "keep"));
    a->every_s = fields_f64(f, "every_s", 1, 1e6);
    if (!*a->name || !*a->argv || !*a->keep) {
        fields_fail(f, "name, argv and keep are not to be empty");
    }
}

void plan_read_tuned(plan_reader *r) {
    plan_once(r, &r->tuned);
    r->p->tuned = plan_kept(fields_text(&r->f, "path"));
}

void plan_read_max_khz(plan_reader *r) {
    plan_once(r, &r->max_khz);
    r->p->max_khz = fields_u64(&r->f, "khz", 0, UINT64_C(1) << 40);
}
