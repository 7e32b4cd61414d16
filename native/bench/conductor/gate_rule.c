/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/gate_rule.h"

#include "probes/median.h"

#include <math.h>
#include <string.h>

#define STEP_C 10        /* between two readings: one of them is wrong, ... */
#define STEP_STAYS 4     /* ... the earlier one where so many in a row agree with the later one */
#define SAME_CLOCK 0.97  /* of the cool one: a step of a phone's clock is larger */
#define NAMED_CLOCK 0.95 /* of the highest that the system names: no run has shown yet what the core reaches */
#define CLOCK_MISSES 3   /* readings in a row that cannot be believed: there is no clock */
#define RISING 1.01      /* from the window's first reading to its last: the clock is still on its way up */

void gate_rule_begin(gate_rule *r, const gate_terms *terms, gate_memory *memory, bool has_sensor) {
    memset(r, 0, sizeof *r);
    r->terms = *terms;
    r->memory = memory;
    r->has_sensor = has_sensor;
    r->is_first = isnan(memory->rest_c);
    r->from_c = r->to_c = r->mhz = r->learned_c = (double)NAN;
}

void gate_rule_lose_sensor(gate_rule *r) {
    r->has_sensor = false;
}

/* Forgets what is older than the window, but for the latest. */
static void keep(gate_history *h, double value, double at_s, double window_s) {
    unsigned past = h->count == GATE_HISTORY;
    while (past + 1 < h->count && h->at_s[past] < at_s - window_s) {
        past++;
    }
    h->count -= past;
    memmove(h->value, h->value + past, h->count * sizeof *h->value);
    memmove(h->at_s, h->at_s + past, h->count * sizeof *h->at_s);
    h->value[h->count] = value;
    h->at_s[h->count++] = at_s;
}

static bool follows(gate_rule *r, double celsius) {
    if (isnan(r->to_c) || fabs(celsius - r->to_c) <= STEP_C) {
        r->step_count = 0;
        return true;
    }
    r->step_count = r->step_count && fabs(celsius - r->step_c) <= STEP_C ? r->step_count + 1 : 1;
    r->step_c = celsius;
    if (r->step_count < STEP_STAYS) {
        return false;
    }
    r->step_count = 0;
    return true;
}

void gate_rule_celsius(gate_rule *r, double at_s, double celsius) {
    if (follows(r, celsius)) {
        r->first_s = r->celsius.count ? r->first_s : at_s;
        r->from_c = r->celsius.count ? r->from_c : celsius;
        r->to_c = celsius;
        keep(&r->celsius, celsius, at_s, r->terms.window_s);
    }
}

void gate_rule_clock(gate_rule *r, double at_s, double mhz) {
    if (isnan(mhz)) {
        r->mhz = ++r->clock_misses < CLOCK_MISSES ? r->mhz : (double)NAN;
        return;
    }
    r->clock_misses = 0;
    r->mhz = mhz;
    keep(&r->clock, mhz, at_s, r->terms.window_s);
}

/* How far the temperature fell from the earlier to the later half of the latest `span_s`, by the medians: a single
 * reading decides nothing. NaN: of one half there is none. `rest`: the later one. */
static double fallen(const gate_history *h, double now_s, double span_s, double *rest) {
    double half[GATE_HISTORY], begin = fmax(now_s - span_s, 0);
    unsigned first = 0;
    while (first + 1 < h->count && h->at_s[first] < begin) {
        first++;
    }
    unsigned middle = first;
    while (middle + 1 < h->count && h->at_s[middle] < begin + (now_s - begin) / 2) {
        middle++;
    }
    memcpy(half, h->value + middle, (h->count - middle) * sizeof *half);
    *rest = median(half, h->count - middle);
    if (middle == first) {
        return (double)NAN;
    }
    memcpy(half, h->value + first, (middle - first) * sizeof *half);
    return median(half, middle - first) - *rest;
}

/* Whether the two latest temperatures are no higher. */
static bool is_below(const gate_rule *r, double limit, unsigned readings) {
    const gate_history *h = &r->celsius;
    for (unsigned i = 0; i < readings; i++) {
        if (h->count < readings || !(h->value[h->count - 1 - i] <= limit)) {
            return false;
        }
    }
    return true;
}

typedef enum { CLOCK_ABSENT, CLOCK_NEW, CLOCK_LOW, CLOCK_COOL } clock_state;

/* CLOCK_NEW: nothing tells yet what the cool clock is. */
static clock_state state_of(const gate_rule *r) {
    if (isnan(r->mhz)) {
        return CLOCK_ABSENT;
    }
    if (!isnan(r->memory->cool_mhz)) {
        return r->mhz >= SAME_CLOCK * r->memory->cool_mhz ? CLOCK_COOL : CLOCK_LOW;
    }
    if (!isnan(r->terms.hint_mhz) && r->mhz >= SAME_CLOCK * r->terms.hint_mhz) {
        return CLOCK_COOL;
    }
    if (!isnan(r->terms.named_mhz) && r->mhz >= NAMED_CLOCK * r->terms.named_mhz) {
        return CLOCK_COOL;
    }
    return CLOCK_NEW;
}

static bool is_rising(const gate_history *clock) {
    return clock->count < 2 || clock->value[clock->count - 1] > RISING * clock->value[0];
}

static gate_status end(gate_rule *r, gate_status status, double learned_c) {
    gate_memory *m = r->memory;
    r->learned_c = learned_c;
    m->rest_c = isnan(learned_c) ? m->rest_c : learned_c;
    if (isnan(r->mhz)) {
        return status;
    }
    /* A clock that came to rest lower has been told by one gate: the next ones need not wait for another. */
    bool lower = status == GATE_SETTLED || (status == GATE_CAPPED && !isnan(learned_c));
    bool counts = status == GATE_PASSED || lower;
    if (counts && (lower || isnan(m->cool_mhz) || r->mhz > m->cool_mhz)) {
        m->cool_mhz = r->mhz;
    }
    return status;
}

static gate_status by_clock_alone(gate_rule *r, double now_s, clock_state clock) {
    const double never = (double)NAN;
    bool over = now_s >= fmin(r->terms.cap_s, r->terms.allowed_s);
    if (clock == CLOCK_ABSENT) {
        return end(r, GATE_UNKNOWING, never);
    }
    if (clock == CLOCK_COOL || (clock == CLOCK_NEW && !is_rising(&r->clock))) {
        return end(r, GATE_PASSED, never);
    }
    if (clock == CLOCK_LOW && now_s >= r->terms.window_s && !is_rising(&r->clock)) {
        return end(r, GATE_SETTLED, never);
    }
    if (over && clock == CLOCK_NEW) {
        return end(r, GATE_PASSED, never); /* of one reading: there was no time for a second one */
    }
    return !over ? GATE_WAITS : end(r, now_s >= r->terms.cap_s ? GATE_CAPPED : GATE_SPENT, never);
}

gate_status gate_rule_decide(gate_rule *r, double now_s, bool (*below)(void *, double), void *context) {
    const gate_terms *t = &r->terms;
    const double never = (double)NAN;
    clock_state clock = state_of(r);
    if (!r->has_sensor) {
        return by_clock_alone(r, now_s, clock);
    }
    bool over = now_s >= fmin(t->cap_s, t->allowed_s);
    if (!r->celsius.count) {
        return GATE_WAITS; /* until there is one, or the sensor is given up */
    }
    double rest, glance, limit = r->memory->rest_c + t->tolerance_c, seen_s = now_s - r->first_s;
    double fell = fallen(&r->celsius, now_s, t->window_s, &rest);
    bool falls = fell >= t->slope_c, rests = seen_s >= t->window_s && fell < t->slope_c;
    bool looked = seen_s >= t->look_s && fallen(&r->celsius, now_s, t->look_s, &glance) < t->look_c;
    bool is_low = clock == CLOCK_LOW, is_steady = clock == CLOCK_ABSENT || !is_rising(&r->clock);
    if (r->is_first) {
        if (clock == CLOCK_COOL && looked) {
            return end(r, GATE_PASSED, glance);
        }
        if (rests && is_steady) {
            return end(r, GATE_PASSED, rest);
        }
        if (over && !falls) {
            return end(r, clock == CLOCK_ABSENT ? GATE_UNJUDGED : GATE_PASSED, r->celsius.count > 1 ? rest : never);
        }
    } else {
        if (!is_low && is_below(r, limit, over ? 1 : 2) && below(context, limit)) {
            bool colder = is_below(r, r->memory->rest_c - t->tolerance_c, 2);
            return end(r, GATE_PASSED, colder ? r->to_c : never);
        }
        if (rests && is_steady) { /* the room is another one, or what lies around the chip is warm */
            return end(r, is_low ? GATE_SETTLED : GATE_PASSED, rest);
        }
    }
    if (!over) {
        return GATE_WAITS;
    }
    return end(r, now_s >= t->cap_s ? GATE_CAPPED : GATE_SPENT, rests ? rest : never);
}

double gate_allowed_s(double share, double measured_s, double next_s, double waited_s) {
    return share >= 1 ? (double)INFINITY : fmax(share / (1 - share) * (measured_s + next_s) - waited_s, 0);
}
