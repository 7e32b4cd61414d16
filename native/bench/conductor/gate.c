/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/gate.h"

#include "conductor/loaded_clock.h"
#include "conductor/printed.h"
#include "conductor/stop.h"
#include "machine/sysfile.h"
#include "machine/timer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define READ_TRIES 3 /* readings in a row that fail, over FAILING_NS at least: there is no source */
#define FAILING_NS UINT64_C(1000000000)
#define AGAIN 3 /* tries of a reading, AGAIN_NS apart: a zone that is being written to fails for a moment */
#define AGAIN_NS UINT64_C(50000000)
#define CLOCK_S 3        /* between two readings of the clock: under a load of a twentieth it cools all the same, ... */
#define CLOCK_SOON_S 0.5 /* ... where the temperature would let it start */
#define NO_CLOCK 3       /* readings in a row that cannot be believed: the gate asks for no more */
#define DUMPSYS_NS UINT64_C(5000000000)

#define TEMPERATURE "  temperature:"

/* `dumpsys battery` prints "  temperature: 312", in tenths of a degree. */
static void take_temperature(void *to, char *line) {
    double *value = to;
    char *end;
    if (isnan(*value) && !strncmp(line, TEMPERATURE, strlen(TEMPERATURE))) {
        const double tenths = strtod(line + strlen(TEMPERATURE), &end);
        *value = end != line + strlen(TEMPERATURE) ? tenths / 10 : *value;
    }
}

static bool read_battery(double *value) {
    char *const argv[] = {"dumpsys", "battery", NULL};
    char why[96];
    *value = (double)NAN;
    printed_by(argv, timer_ns() + DUMPSYS_NS, take_temperature, value, why, sizeof why);
    return !isnan(*value);
}

/* What cannot be read, or is no temperature, is read again before it counts as a reading that failed. */
static bool read_source(const plan_gate *g, double *value) {
    if (g->kind == GATE_BATTERY) {
        return read_battery(value) && is_celsius(*value);
    }
    for (unsigned i = 0; g->kind == GATE_FILE && i < AGAIN && !stop_now(); i++) {
        if (i) {
            stop_wait(-1, timer_ns() + AGAIN_NS);
        }
        if (sysfile_celsius(g->path, g->scale, value)) {
            return true;
        }
    }
    return false;
}

/* Whether a zone says so for longer than one lies that is read while it is written to. */
static bool stays_below(void *context, double limit) {
    const plan_gate *g = context;
    double value;
    for (unsigned i = 0; g->kind == GATE_FILE && i < AGAIN; i++) {
        stop_wait(-1, timer_ns() + AGAIN_NS);
        if (!sysfile_celsius(g->path, g->scale, &value) || value > limit) {
            return false;
        }
    }
    return true;
}

static const char *const NAMES[] = {"", "passed", "settled", "capped", "spent", "unjudged", "unavailable"};

static void emit(const plan_gate *g, records *out, unsigned launch, const gate_rule *r, const gate_memory *before,
                 gate_status status, const char *clock, double waited_s) {
    json *j = record_begin(out, "gate");
    json_int(j, "launch", launch);
    json_text(j, "status", status == GATE_WAITS ? "stopped" : NAMES[status]);
    json_text(j, "source", g->source);
    json_number(j, "from", r->from_c);
    json_number(j, "to", r->to_c);
    json_number(j, "plateau", before->rest_c);
    json_number(j, "learned", r->learned_c);
    json_number(j, "baseline", g->baseline_c);
    json_number(j, "tolerance_c", g->tolerance_c);
    json_text(j, "clock", clock);
    json_number(j, "mhz", r->mhz);
    json_number(j, "cool_mhz", before->cool_mhz);
    json_number(j, "waited_s", waited_s);
    json_bool(j, "capped", status == GATE_CAPPED);
    json_number(j, "cap_s", g->cap_s);
    json_number(j, "allowed_s", r->terms.allowed_s);
    json_number(j, "window_s", g->window_s);
    record_end(out);
}

gate_run gate_run_begin(const plan *p) {
    return (gate_run){.memory = {p->gate.plateau_c, p->gate.cool_mhz}, .waited_s = 0, .measured_s = 0};
}

static gate_terms terms_of(const plan *p, const gate_run *run) {
    const plan_gate *g = &p->gate;
    double next = run->launches ? run->measured_s / run->launches : g->launch_s;
    return (gate_terms){.tolerance_c = g->tolerance_c,
                        .cap_s = g->cap_s,
                        .allowed_s = gate_allowed_s(g->share, run->measured_s, next, run->waited_s - g->credit_s),
                        .window_s = g->window_s,
                        .slope_c = g->slope_c,
                        .look_s = fmin(g->look_s, g->window_s),
                        .look_c = g->look_c,
                        .hint_mhz = g->hint_mhz,
                        .named_mhz = p->max_khz ? (double)p->max_khz / 1e3 : (double)NAN};
}

/* A reading of another source than the run's first one is none. */
static loaded_clock clock_of_run(gate_run *run, loaded_clock c) {
    if (!isnan(c.mhz) && run->clock && strcmp(run->clock, c.source)) {
        c.mhz = (double)NAN;
    } else if (!isnan(c.mhz)) {
        run->clock = c.source;
    }
    return c;
}

void gate_wait(const plan *p, gate_run *run, records *out, unsigned launch) {
    const plan_gate *g = &p->gate;
    const gate_memory before = run->memory;
    const gate_terms terms = terms_of(p, run);
    const uint64_t start = timer_ns();
    static gate_rule r; /* with its histories too large for a stack */
    gate_rule_begin(&r, &terms, &run->memory, g->kind != GATE_NONE);
    /* dumpsys wakes the system server, so ask it seldom; never so often that a window overflows its history. */
    double pause_s = fmax(g->kind == GATE_BATTERY ? 2.0 : 0.25, g->window_s / (GATE_HISTORY - 8));
    double clock_s = fmax(CLOCK_SOON_S, fmin(CLOCK_S, g->window_s / 4)), next_clock = 0, now = 0, answered = 0;
    const char *clock = "";
    gate_status status = GATE_WAITS;
    for (unsigned failures = 0; !stop_now();) {
        if (now >= next_clock) {
            loaded_clock c = clock_of_run(run, loaded_clock_read(p));
            clock = isnan(c.mhz) ? clock : c.source;
            now = (double)(timer_ns() - start) / 1e9;
            gate_rule_clock(&r, now, c.mhz);
            run->unbelieved = isnan(c.mhz) ? run->unbelieved + 1 : 0;
            /* Where none can be believed the readings themselves would warm the core; without a sensor they are all. */
            next_clock = r.has_sensor && run->unbelieved >= NO_CLOCK ? INFINITY : now + clock_s;
            if (!r.has_sensor && r.clock.count < 2) {
                next_clock = now + CLOCK_SOON_S; /* where it is alone, the second reading tells whether it rises */
            }
        }
        if (r.has_sensor) {
            double value;
            bool got = read_source(g, &value);
            now = (double)(timer_ns() - start) / 1e9;
            failures = got ? 0 : failures + 1;
            answered = got ? now : answered;
            if (got) {
                gate_rule_celsius(&r, now, value);
            } else if (failures >= READ_TRIES && (now - answered) * 1e9 >= FAILING_NS) {
                gate_rule_lose_sensor(&r);
            }
            if (got && next_clock < INFINITY && value <= before.rest_c + g->tolerance_c) {
                next_clock = fmin(next_clock, now + CLOCK_SOON_S);
            }
        }
        status = stop_now() ? GATE_WAITS : gate_rule_decide(&r, now, stays_below, (void *)g);
        if (status != GATE_WAITS) {
            break;
        }
        double until = fmin(now + pause_s, fmin(terms.cap_s, terms.allowed_s));
        until = until <= now ? now + 0.05 : until; /* the end of the wait, and nothing read yet */
        stop_wait(-1, start + (uint64_t)(until * 1e9));
        now = (double)(timer_ns() - start) / 1e9;
    }
    double waited_s = (double)(timer_ns() - start) / 1e9;
    run->waited_s += waited_s;
    emit(g, out, launch, &r, &before, status, isnan(r.mhz) ? "" : clock, waited_s);
}
