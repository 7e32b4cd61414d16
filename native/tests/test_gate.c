/* SPDX-License-Identifier: Apache-2.0
 * When a launch may start, shown on simulated phones: a chip in a case in a room, a governor that takes clock away from
 * a trip on. Time is simulated, so that hours take no time. */
#include "check.h"
#include "conductor/gate_rule.h"

#include <math.h>
#include <stdbool.h>

#define COOL_MHZ 2800
#define UNKNOWN ((double)NAN)

typedef struct {
    double room_c, chip_c, case_c; /* the chip follows the case within seconds, the case the room within minutes */
    double trip_c;
    double now_s, waited_s, measured_s; /* of the whole run */
    double longest_s;                   /* a gate */
    double best_mhz;                    /* of this core */
    bool has_sensor, has_clock;
    unsigned long step;
    unsigned capped, spent, settled, gates;
    unsigned lies; /* every so many-th reading of the temperature is 31 degrees; 0: none */
} phone;

static phone phone_in(double room_c) {
    phone p = {.room_c = room_c, .chip_c = room_c + 4, .case_c = room_c + 2, .trip_c = 60, .best_mhz = COOL_MHZ};
    p.has_sensor = p.has_clock = true;
    return p;
}

/* Seconds with so many watts in the chip. */
static void passes(phone *p, double seconds, double watts) {
    for (double t = 0; t < seconds; t += 0.05) {
        double step = fmin(0.05, seconds - t);
        p->chip_c += step * ((p->case_c + 2 + 12 * watts - p->chip_c) / 5);
        p->case_c += step * ((p->room_c + 2 + 3 * watts - p->case_c) / 120);
    }
    p->now_s += seconds;
}

static double clock_of(const phone *p) {
    double over = p->chip_c - p->trip_c;
    return over <= 0 ? p->best_mhz : p->best_mhz * fmax(0.5, 1 - 0.05 * (1 + floor(over)));
}

/* As a zone shows it: in steps of a tenth, and not quite still. */
static double shown(phone *p) {
    p->step++;
    if (p->lies && p->step % p->lies == 0) {
        return 31;
    }
    return round(10 * (p->chip_c + (p->step % 3 == 0 ? 0.04 : 0))) / 10;
}

static bool below(void *context, double limit) {
    phone *p = context;
    for (int i = 0; i < 3; i++) {
        passes(p, 0.05, 0);
        if (shown(p) > limit) {
            return false;
        }
    }
    return true;
}

static gate_terms terms_for(const phone *p, double share, double next_s) {
    return (gate_terms){.tolerance_c = 1,
                        .cap_s = 120,
                        .allowed_s = gate_allowed_s(share, p->measured_s, next_s, p->waited_s),
                        .window_s = 15,
                        .slope_c = 0.2,
                        .look_s = 4,
                        .look_c = 0.1,
                        .hint_mhz = UNKNOWN,
                        .named_mhz = COOL_MHZ};
}

static gate_status gate(phone *p, const gate_terms *terms, gate_memory *memory, gate_rule *r) {
    double start = p->now_s, next_clock = 0;
    gate_status status = GATE_WAITS;
    gate_rule_begin(r, terms, memory, p->has_sensor);
    while (status == GATE_WAITS) {
        double now = p->now_s - start;
        if (now >= next_clock) {
            passes(p, 0.2, 1);
            gate_rule_clock(r, p->now_s - start, p->has_clock ? clock_of(p) : UNKNOWN);
            next_clock = now + 3;
        }
        if (p->has_sensor) {
            double celsius = shown(p);
            gate_rule_celsius(r, p->now_s - start, celsius);
            next_clock = celsius <= memory->rest_c + 1 ? fmin(next_clock, p->now_s - start + 0.5) : next_clock;
        }
        status = gate_rule_decide(r, p->now_s - start, below, p);
        if (status == GATE_WAITS) {
            double end = fmin(terms->cap_s, terms->allowed_s) - (p->now_s - start);
            passes(p, end > 0.001 && end < 0.25 ? end : 0.25, 0);
        }
    }
    double waited = p->now_s - start;
    p->waited_s += waited;
    p->longest_s = fmax(p->longest_s, waited);
    p->capped += status == GATE_CAPPED;
    p->spent += status == GATE_SPENT;
    p->settled += status == GATE_SETTLED;
    p->gates++;
    return status;
}

/* A cluster's launches of so many seconds each; what is known of today's rest comes and goes with `memory`. */
static void cluster(phone *p, gate_memory *memory, unsigned launches, double launch_s, double watts, double share) {
    static gate_rule r;
    memory->cool_mhz = UNKNOWN;
    for (unsigned i = 0; i < launches; i++) {
        gate_terms terms = terms_for(p, share, launch_s);
        gate(p, &terms, memory, &r);
        passes(p, launch_s, watts);
        p->measured_s += launch_s;
    }
}

static gate_memory nothing(void) {
    return (gate_memory){UNKNOWN, UNKNOWN};
}

/* A phone that is cool, and stays so, is looked at and not made to wait. */
static void cool(const char *kernel) {
    (void)kernel;
    phone p = phone_in(22);
    gate_memory known = nothing();
    cluster(&p, &known, 8, 30, 0.02, 0.25);
    CHECK(!p.capped && !p.spent && !p.settled);
    CHECK(p.longest_s < 5);
    CHECK(p.waited_s < 5 + 7 * 1.5);
}

/* Ambient 22 degrees in one run, 29 in the next: nothing of the first one holds the second one up. */
static void warmer_room(const char *kernel) {
    (void)kernel;
    for (int sensor = 0; sensor < 2; sensor++) {
        for (int clock = 0; clock < 2; clock++) {
            phone p = phone_in(29);
            p.has_sensor = sensor;
            p.has_clock = clock || !sensor;
            gate_memory known = nothing();
            cluster(&p, &known, 8, 30, 0.5, 0.5);
            CHECK(!p.capped);
            CHECK(p.longest_s < 30);
            CHECK(!sensor || fabs(known.rest_c - 33) < 6);
        }
    }
}

/* The room gets 7 degrees warmer in the middle of a run: each gate finds out within its window. */
static void warms_meanwhile(const char *kernel) {
    (void)kernel;
    phone p = phone_in(22);
    gate_memory known = nothing();
    static gate_rule r;
    for (int i = 0; i < 20; i++) {
        p.room_c = i < 5 ? 22 : 29;
        gate_terms terms = terms_for(&p, 0.5, 30);
        CHECK(gate(&p, &terms, &known, &r) != GATE_CAPPED);
        passes(&p, 30, 0.02);
        p.measured_s += 30;
    }
    CHECK(known.rest_c > 30);
    CHECK(p.longest_s < 30);
}

/* Gates take no more than their share of the time, on whatever phone, with launches of whatever length. */
static void share(const char *kernel) {
    (void)kernel;
    static const double shares[] = {0, 0.1, 0.25, 0.5}, lengths[] = {0.5, 4, 13, 60}, watts[] = {0.02, 1, 4};
    for (int s = 0; s < 4; s++) {
        for (int l = 0; l < 4; l++) {
            for (int w = 0; w < 3; w++) {
                phone p = phone_in(25);
                p.has_clock = (s + l + w) % 2;
                gate_memory known = nothing();
                for (int c = 0; c < 3; c++) {
                    cluster(&p, &known, 6, lengths[l], watts[w], shares[s]);
                }
                CHECK(p.gates == 18);
                /* Of each gate its readings are not bounded: nothing can be told without any. */
                CHECK(p.waited_s <= shares[s] * (p.waited_s + p.measured_s) + 18 * 0.6);
            }
        }
    }
}

/* A hot phone is waited for until it is cool, and starts with its whole clock. */
static void hot(const char *kernel) {
    (void)kernel;
    phone p = phone_in(22);
    static gate_rule r;
    gate_memory known = nothing();
    gate_terms terms = terms_for(&p, 1, 30);
    terms.cap_s = 1000;
    CHECK(gate(&p, &terms, &known, &r) == GATE_PASSED && fabs(known.rest_c - 26) < 1);
    CHECK(known.cool_mhz == COOL_MHZ);
    passes(&p, 240, 4); /* far beyond its trip */
    CHECK(clock_of(&p) < 0.9 * COOL_MHZ);
    CHECK(gate(&p, &terms, &known, &r) == GATE_PASSED);
    CHECK(clock_of(&p) == COOL_MHZ && r.mhz == COOL_MHZ);
    /* Hot from the start, so that it does not know how cool it can be: it is not taken for cool while it cools fast. */
    phone q = phone_in(22);
    passes(&q, 240, 4);
    known = nothing();
    CHECK(gate(&q, &terms, &known, &r) == GATE_PASSED);
    CHECK(clock_of(&q) == COOL_MHZ && q.chip_c < 45);
}

/* One that holds its clock down though it is cool (battery saver): one gate says so, the next ones do not wait. */
static void held_down(const char *kernel) {
    (void)kernel;
    phone p = phone_in(22);
    static gate_rule r;
    gate_memory known = nothing();
    gate_terms terms = terms_for(&p, 1, 30);
    CHECK(gate(&p, &terms, &known, &r) == GATE_PASSED);
    p.best_mhz = 1800;
    double before = p.waited_s;
    CHECK(gate(&p, &terms, &known, &r) == GATE_SETTLED && p.waited_s - before < 17);
    CHECK(known.cool_mhz == 1800);
    before = p.waited_s;
    CHECK(gate(&p, &terms, &known, &r) == GATE_PASSED && p.waited_s - before < 2);
    p.best_mhz = COOL_MHZ; /* given free again: that is the cool clock from now on */
    CHECK(gate(&p, &terms, &known, &r) == GATE_PASSED && known.cool_mhz == COOL_MHZ);
}

/* A hint of earlier runs that is never reached again is no trap, and one that is reached spares the window. */
static void hint(const char *kernel) {
    (void)kernel;
    static gate_rule r;
    static const double hints[] = {2300, 2700};
    for (int i = 0; i < 2; i++) {
        phone p = phone_in(22);
        p.best_mhz = 2300; /* far below what the system names */
        gate_memory known = nothing();
        gate_terms terms = terms_for(&p, 1, 30);
        terms.hint_mhz = hints[i];
        CHECK(gate(&p, &terms, &known, &r) == GATE_PASSED);
        CHECK(i ? p.waited_s >= 15 && p.waited_s < 17 : p.waited_s < 5);
        CHECK(known.cool_mhz == 2300);
    }
}

/* Without a sensor the clock alone decides. */
static void no_sensor(const char *kernel) {
    (void)kernel;
    static gate_rule r;
    phone p = phone_in(22);
    p.has_sensor = false;
    gate_memory known = nothing();
    gate_terms terms = terms_for(&p, 1, 30);
    CHECK(gate(&p, &terms, &known, &r) == GATE_PASSED && p.waited_s < 1);
    passes(&p, 240, 4);
    CHECK(clock_of(&p) < 0.9 * COOL_MHZ);
    CHECK(gate(&p, &terms, &known, &r) == GATE_PASSED && r.mhz == COOL_MHZ);
    CHECK(p.waited_s < 60);
    p.has_clock = false;
    CHECK(gate(&p, &terms, &known, &r) == GATE_UNKNOWING);
}

/* One reading decides nothing: neither a temperature that is no such, nor a clock that was interrupted. */
static void lies(const char *kernel) {
    (void)kernel;
    static gate_rule r;
    for (unsigned every = 2; every < 6; every++) {
        phone p = phone_in(22);
        gate_memory known = {30, COOL_MHZ};
        p.lies = every;
        p.chip_c = p.case_c = p.room_c = 65; /* and stays there */
        p.trip_c = 90;
        gate_terms terms = terms_for(&p, 1, 30);
        terms.cap_s = 10;
        CHECK(gate(&p, &terms, &known, &r) == GATE_CAPPED);
    }
    gate_memory known = {30, COOL_MHZ};
    gate_terms terms = terms_for(&(phone){.measured_s = 0}, 1, 30);
    phone still = phone_in(26);
    gate_rule_begin(&r, &terms, &known, true);
    gate_rule_clock(&r, 0.2, 0.7 * COOL_MHZ);
    gate_rule_celsius(&r, 0.2, 30);
    gate_rule_celsius(&r, 0.5, 30);
    CHECK(gate_rule_decide(&r, 0.5, below, &still) == GATE_WAITS);
    gate_rule_clock(&r, 0.7, COOL_MHZ);
    CHECK(gate_rule_decide(&r, 0.7, below, &still) == GATE_PASSED);
    gate_rule_begin(&r, &terms, &known, true);
    gate_rule_clock(&r, 0.2, COOL_MHZ);
    gate_rule_clock(&r, 0.4, UNKNOWN);
    CHECK(r.mhz == COOL_MHZ);
    gate_rule_celsius(&r, 0.4, 29.5);
    CHECK(gate_rule_decide(&r, 0.4, below, &still) == GATE_WAITS); /* one temperature is none */
}

static void allowance(const char *kernel) {
    (void)kernel;
    CHECK(isinf(gate_allowed_s(1, 0, 0, 1e6)));
    CHECK(gate_allowed_s(0, 100, 100, 0) == 0);
    CHECK(gate_allowed_s(0.25, 0, 30, 0) == 10);
    CHECK(gate_allowed_s(0.25, 30, 30, 15) == 5);
    CHECK(gate_allowed_s(0.25, 30, 30, 25) == 0);
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"cool", cool},
                                       {"warmer_room", warmer_room},
                                       {"warms_meanwhile", warms_meanwhile},
                                       {"share", share},
                                       {"hot", hot},
                                       {"held_down", held_down},
                                       {"hint", hint},
                                       {"no_sensor", no_sensor},
                                       {"lies", lies},
                                       {"allowance", allowance},
                                       {NULL, NULL}};
    return check_main(argc, argv, cases);
}
