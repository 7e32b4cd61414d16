/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/conductor.h"

#include "conductor/asks.h"
#include "conductor/checker_process.h"
#include "conductor/checks.h"
#include "conductor/gate.h"
#include "conductor/job.h"
#include "conductor/layers_json.h"
#include "conductor/run_records.h"
#include "conductor/stop.h"
#include "conductor/workers.h"
#include "machine/affinity.h"
#include "machine/timer.h"
#include "wire/exit_codes.h"

#include <stdio.h>

/* The conductor keeps off the measured CPUs where it may. */
static void keep_off(const plan *p) {
    cpu_set set;
    if (p->conductor_cpus[0]) {
        if (cpu_set_parse(p->conductor_cpus, &set) && !affinity_set(&set)) {
            fprintf(stderr, "convbench: the conductor cannot run on CPUs %s; it runs where it is\n", p->conductor_cpus);
        }
        return;
    }
    if (!affinity_get(&set)) {
        return;
    }
    cpu_set off = set;
    for (int cpu = 0; cpu < CPU_LIMIT; cpu++) {
        if (cpu_set_has(&p->cpus, cpu)) {
            cpu_set_put(&off, cpu, false);
        }
    }
    if (cpu_set_empty(&off)) { /* threads have all of them: off the first one's at least */
        off = set;
        cpu_set_put(&off, p->cpu, false);
    }
    if (!cpu_set_empty(&off)) {
        affinity_set(&off);
    }
}

static void begin(run *r, const plan *p, records *out, const char *beside) {
    stop_arm(p->deadline_s);
    keep_off(p);
    run_begin(r, p, out, beside);
    emit_header(out, p, &r->caches, r->memory);
}

static int finish(run *r) {
    stop_reason why = r->cut ? stop_now() : STOP_NOT;
    workers_stop(r);
    checker_stop(r);
    emit_end(r->out, why == STOP_SIGNAL ? "signal" : why == STOP_DEADLINE ? "deadline" : r->cpu_gone ? "cpu" : "done");
    return why == STOP_SIGNAL     ? EXIT_SIGNAL
           : r->wrong             ? EXIT_WRONG
           : r->broken            ? EXIT_WORKER
           : why == STOP_DEADLINE ? EXIT_DEADLINE
                                  : EXIT_DONE;
}

/* The next launch, with processes of its own: everything up to its first job.
 *
 * No variant is timed before it was found right. Checks warm the core. Where there is a temperature to wait for, all of
 * them come before the first launch's wait. Else only those do that show whether a launch has work, and each other
 * layer's come right before its first round: the first sample waits for one layer's checks. */
static void begin_launch(run *r, gate_run *gates, unsigned first) {
    const plan *p = r->p;
    workers_begin_launch(r, p->jobs[first].launch);
    r->measuring = false;
    const bool work = checks_find_work(r, first); /* else no device is waited for */
    r->measuring = true;
    workers_begin_launch(r, p->jobs[first].launch);
    if (work && !r->cut) {
        gate_wait(p, gates, r->out, r->launch);
        gates->launches++;
    }
    asks_run(p, r->out, r->launch, false);
}

int conductor_run(const plan *p, records *out) {
    static run r;
    gate_run gates = gate_run_begin(p);
    begin(&r, p, out, out->path);
    if (p->gate.kind != GATE_NONE) {
        checks_run(&r, false, "reference", NULL);
    }
    for (unsigned k = 0; k < p->job_count && !r.cut; k++) {
        if (k == 0 || p->jobs[k].launch != r.launch) {
            begin_launch(&r, &gates, k);
        }
        checks_of_job(&r, &p->jobs[k]);
        uint64_t start = timer_ns();
        job_run(&r, &p->jobs[k]);
        gates.measured_s += (double)(timer_ns() - start) / 1e9;
        asks_run(p, out, r.launch, k + 1 < p->job_count);
    }
    return finish(&r);
}

int conductor_verify(const plan *p, records *out, const char *dump) {
    static run r;
    if (dump && !layers_json_write(p, dump)) {
        return EXIT_BAD_PLAN;
    }
    begin(&r, p, out, p->path);
    r.patience = 10; /* whole outputs, and naive on layers that nobody would time */
    checks_run(&r, true, NULL, dump);
    return finish(&r);
}
