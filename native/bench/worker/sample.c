/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sample.h"

#include "machine/affinity.h"
#include "machine/timer.h"
#include "probes/clock_probe.h"
#include "worker/copies.h"
#include "worker/heartbeat.h"
#include "worker/placement.h"
#include "worker/reference.h"
#include "worker/settling.h"
#include "worker/window.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* The latest reading of the clock. */
static clock_reading settle(const sample_request *q, window *w, evidence *e) {
    uint64_t start = timer_ns();
    clock_reading last = {0, 0};
    settling s = {0, 0};
    settling_state state = SETTLING_ON;
    while (state == SETTLING_ON) {
        uint64_t begin = timer_ns();
        heartbeat_expect(w->call_ns);
        window_untimed(w);
        w->call_ns = (double)(timer_ns() - begin);
        last = clock_probe();
        heartbeat();
        state = settling_after(&s, last.mhz, timer_ns() - start, q->settle_ns);
    }
    e->settle_capped = state == SETTLING_CAPPED;
    e->settle_ns = (double)(timer_ns() - start);
    return last;
}

static double believed(const sample_request *q, clock_reading reading) {
    char reason[160];
    return clock_believable(reading, q->max_khz, reason, sizeof reason) ? reading.mhz : -1;
}

/* macOS counts for processes alone: a worker without a pool has one thread at work. */
#ifndef RUSAGE_THREAD
#define RUSAGE_THREAD RUSAGE_SELF
#endif

/* Of this thread, or of all that share a call: the helpers of a pool are interrupted, too. */
static void usage(const sample_request *q, long *switches, long *faults) {
    struct rusage u;
    *switches = *faults = 0;
    if (getrusage(q->pool ? RUSAGE_SELF : RUSAGE_THREAD, &u)) {
        return;
    }
    *switches = u.ru_nivcsw;
    *faults = u.ru_minflt + u.ru_majflt;
}

static double thread_ns(void) {
    struct timespec t;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) ? -1 : (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* From readings right outside of the stretch; -1: not asked. */
static void count(const sample_request *q, const counter_reading *before, const counter_reading *after, evidence *e) {
    counter_counts counts = {.error = COUNTER_OK, .value = {-1, -1, -1}};
    if (q->counters) {
        counts = counters_between(q->counters, before, after);
    }
    e->count_error = q->counters ? (int64_t)counts.error : -1;
    e->cycles = counts.value[COUNTER_CYCLES];
    e->instructions = counts.value[COUNTER_INSTRUCTIONS];
    e->refills = counts.value[COUNTER_REFILLS];
}

static void measure(const sample_request *q, window *w, evidence *e) {
    window_time t;
    long switches, faults, switches_after, faults_after;
    uint64_t calls = q->calls;
    clock_reading clock = settle(q, w, e);
    if (!calls && !q->rotate) {
        calls = window_choose(w);
        clock = clock_probe();
    }
    uint64_t probing = timer_ns();
    e->mhz_before = believed(q, clock);
    pressure_take(q->pressure, q->reads, &e->gflops_before, &e->gbps_before);
    e->cpu_before = affinity_here();
    usage(q, &switches, &faults);
    counter_reading counted = {0}, counted_after = {0};
    if (q->counters) {
        counted = counters_read(q->counters);
    }
    uint64_t begin = timer_ns();
    double cpu = thread_ns();
    if (q->rotate) {
        window_rotate(w, calls, &t);
    } else {
        window_hot(w, calls, &t);
    }
    double cpu_end = thread_ns();
    uint64_t end = timer_ns();
    if (q->counters) {
        counted_after = counters_read(q->counters);
    }
    usage(q, &switches_after, &faults_after);
    e->cpu_after = affinity_here();
    pressure_take(q->pressure, q->reads, &e->gflops_after, &e->gbps_after);
    e->mhz_after = believed(q, clock_probe_short());
    e->probe_ns = (double)(timer_ns() - end + begin - probing);
    e->cpu_ns = cpu < 0 || cpu_end < 0 ? -1 : cpu_end - cpu;
    e->span_ns = (double)(end - begin);
    e->nivcsw = switches_after - switches;
    e->faults = faults_after - faults;
    count(q, &counted, &counted_after, e);
    e->calls = t.calls;
    e->t_ns = t.t_ns;
    e->ns = t.ns;
    e->window_ns = t.total_ns;
    e->window_short = t.total_ns < w->least_ns;
    e->copy_ns = window_copy(w, t.calls);
    window_turns(w, &e->to_nchw_ns, &e->to_nhwc_ns);
}

static bool was_on(int64_t seen, int cpu) {
    return seen < 0 || seen == cpu; /* below 0: the system does not tell */
}

/* A sample of another CPU is none of this one, whatever its time: systems move groups of processes between sets of CPUs
 * while they run (Android's cpusets). It is pinned and taken again, and the record says how often. */
static bool measure_here(const sample_request *q, window *w, evidence *e, char *reason, size_t room) {
    cpu_set wanted = {{0}};
    cpu_set_put(&wanted, q->cpu, true);
    for (unsigned tries = 0; tries < SAMPLE_PIN_TRIES; tries++) {
        bool held = affinity_is(&wanted);
        if (!held && !affinity_set(&wanted)) {
            snprintf(reason, room, "the system took CPU %d away: %s", q->cpu,
                     errno ? strerror(errno) : "it gave other CPUs");
            return false;
        }
        e->repinned += !held;
        measure(q, w, e);
        held = affinity_is(&wanted);
        if (held && was_on(e->cpu_before, q->cpu) && was_on(e->cpu_after, q->cpu)) {
            return true;
        }
        e->repinned += held; /* it was elsewhere although its set is right; else counted when it is set again */
    }
    snprintf(reason, room,
             "ran on CPU %d and %d instead of %d, %d times: the system keeps changing the CPUs it may use",
             (int)e->cpu_before, (int)e->cpu_after, q->cpu, SAMPLE_PIN_TRIES);
    return false;
}

sample_status sample_take(const sample_request *q, sample_result *r, char *reason, size_t room, size_t *bytes) {
    placement p = {.arena = q->arena,
                   .layer = q->layer,
                   .data = q->data,
                   .layout = q->layout,
                   .algorithm = q->algorithm,
                   .schedule = q->schedule,
                   .pool = q->pool,
                   .budget = q->memory,
                   .llc = q->llc,
                   .room = q->room,
                   .copies = copies_count(q)};
    window w = {.place = &p,
                .rotate = q->rotate,
                .least_ns = fmax((double)q->min_ns, SAMPLE_TICKS * q->tick_ns),
                .call_ns = q->call_ns};
    evidence *e = &r->evidence;
    memset(r, 0, sizeof *r);
    *bytes = 0;
    p.copy = calloc(p.copies, sizeof *p.copy);
    ic_status status = p.copy ? placement_make(&p) : IC_OUT_OF_MEMORY;
    if (status != IC_OK) {
        free(p.copy);
        if (status != IC_OUT_OF_MEMORY) {
            snprintf(reason, room, "%s", ic_status_string(status));
            return SAMPLE_FAILED;
        }
        snprintf(reason, room, "too little memory for %u %s", p.copies,
                 q->rotate ? "copies, which outgrow the last-level cache" : "copy");
        *bytes = placement_need(&p) + layer_data_bytes(q->layer);
        return SAMPLE_SKIPPED;
    }
    sample_status result = measure_here(q, &w, e, reason, room) ? SAMPLE_TAKEN : SAMPLE_HINDERED;
    const instance *i = p.copy;
    e->copies = p.copies;
    e->address.input = (uintptr_t)p.input;
    e->address.output = (uintptr_t)i->output;
    e->address.weights = (uintptr_t)i->memory[IC_MEMORY_WEIGHTS];
    e->address.pointers = (uintptr_t)i->memory[IC_MEMORY_POINTERS];
    e->address.matrix = (uintptr_t)i->memory[IC_MEMORY_MATRIX];
    if (w.ran) {
        r->checksum = checksum(w.ran->output, q->layer->output_floats);
    }
    placement_free(&p);
    free(p.copy);
    if (w.status != IC_OK) {
        snprintf(reason, room, "%s", ic_status_string(w.status));
        return SAMPLE_FAILED;
    }
    /* Decided once, when the calls are chosen: a variant has samples in all rounds or in none. */
    if (result == SAMPLE_TAKEN && q->rotate && !q->calls && e->ns < SAMPLE_TICKS * q->tick_ns) {
        snprintf(reason, room, "a call takes %.0f ns, under %d ticks of %.3g ns of the timer", e->ns, SAMPLE_TICKS,
                 q->tick_ns);
        return SAMPLE_SKIPPED;
    }
    return result;
}
