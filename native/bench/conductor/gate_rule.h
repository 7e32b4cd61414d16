/* SPDX-License-Identifier: Apache-2.0
 * When a launch may start: decided by the clock under load, foretold by the temperature. No I/O and no clock of its
 * own: readings come with their times, in seconds since the gate began. docs/measuring.md has the grounds of each
 * number. */
#ifndef CONVBENCH_GATE_RULE_H
#define CONVBENCH_GATE_RULE_H

#include <stdbool.h>

#define GATE_HISTORY 256

typedef struct {
    double tolerance_c;         /* above where the device rests that counts as cool */
    double cap_s, allowed_s;    /* the longest wait; what its share of the run's time leaves of it */
    double window_s, slope_c;   /* the temperature stands when it falls by less from half to half of the window */
    double look_s, look_c;      /* the same of a short look, where the clock is the cool one */
    double hint_mhz, named_mhz; /* of earlier runs; the highest that the system names; NaN: unknown */
} gate_terms;

/* What one gate leaves to the next; NaN: unknown. */
typedef struct {
    double rest_c;   /* where the device rests today */
    double cool_mhz; /* its clock under load when it is cool */
} gate_memory;

typedef enum {
    GATE_WAITS,
    GATE_PASSED,
    GATE_SETTLED,   /* nothing changes any more, and the clock is below the cool one */
    GATE_CAPPED,    /* still too warm, or still falling, at the cap */
    GATE_SPENT,     /* the same where the gates' share of the run's time is used up */
    GATE_UNJUDGED,  /* no clock, and no time to see whether the temperature stands */
    GATE_UNKNOWING, /* neither a temperature nor a clock is to be had */
} gate_status;

typedef struct {
    double value[GATE_HISTORY], at_s[GATE_HISTORY];
    unsigned count;
} gate_history;

typedef struct {
    gate_terms terms;
    gate_memory *memory;
    bool has_sensor; /* temperatures are to be had */
    gate_history celsius, clock;
    double first_s;           /* when the first temperature was read */
    double from_c, to_c, mhz; /* the first and latest temperature, the latest clock; NaN: none */
    double learned_c;         /* where the device was found to rest; NaN: not */
    double step_c;            /* a temperature far from the ones before: believed when it stays */
    unsigned step_count, clock_misses;
    bool is_first; /* nothing was known of where the device rests */
} gate_rule;

void gate_rule_begin(gate_rule *r, const gate_terms *terms, gate_memory *memory, bool has_sensor);
void gate_rule_lose_sensor(gate_rule *r); /* it failed for good: the clock alone decides */
void gate_rule_celsius(gate_rule *r, double at_s, double celsius);
void gate_rule_clock(gate_rule *r, double at_s, double mhz); /* under load; NaN: not to be believed */

/* What to do now. A status other than GATE_WAITS ends the gate, and what was learned is in the memory then. `below`:
 * whether the sensor stays below a limit also when it is read again; asked before a temperature lets a launch start. */
gate_status gate_rule_decide(gate_rule *r, double now_s, bool (*below)(void *context, double limit), void *context);

/* Seconds that a gate may wait so that all gates together take `share` of a run's time: `measured_s` was measured
 * already, `next_s` is what the launch behind the gate will take, `waited_s` gates have waited. share 1: no bound. */
double gate_allowed_s(double share, double measured_s, double next_s, double waited_s);

#endif
