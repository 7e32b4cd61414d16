/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor.h"

#include "affinity.h"
#include "block.h"
#include "checkup.h"
#include "dump.h"
#include "gate.h"
#include "stop.h"

#include <stdio.h>

/* The conductor keeps off the measured CPU where it may. */
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
    cpu_set_put(&set, p->cpu, false);
    if (!cpu_set_empty(&set)) {
        affinity_set(&set);
    }
}

static void begin(crew *c, const plan *p, records *out) {
    stop_arm(p->deadline_s);
    keep_off(p);
    crew_begin(c, p, out);
    emit_header(out, p, &c->caches, c->memory);
}

static int finish(crew *c) {
    stop_reason why = c->cut ? stop_now() : STOP_NOT;
    crew_stop(c);
    emit_end(c->out, why == STOP_SIGNAL ? "signal" : why == STOP_DEADLINE ? "deadline" : c->cpu_gone ? "cpu" : "done");
    return why == STOP_SIGNAL     ? EXIT_SIGNAL
           : c->wrong             ? EXIT_WRONG
           : c->broken            ? EXIT_WORKER
           : why == STOP_DEADLINE ? EXIT_DEADLINE
                                  : EXIT_DONE;
}

int conductor_run(const plan *p, records *out) {
    static crew c;
    double plateau = p->gate.plateau_c;
    begin(&c, p, out);
    checkup(&c, false, "reference", NULL);
    c.measuring = true;
    for (unsigned k = 0; k < p->job_count && !c.cut; k++) {
        if (k == 0 || p->jobs[k].launch != c.launch) {
            crew_launch(&c, p->jobs[k].launch); /* it has processes of its own */
            gate_wait(&p->gate, &plateau, out, c.launch);
        }
        block_run(&c, &p->jobs[k]);
    }
    return finish(&c);
}

int conductor_verify(const plan *p, records *out, const char *dump) {
    static crew c;
    if (dump && !dump_layers(p, dump)) {
        return EXIT_BAD_PLAN;
    }
    begin(&c, p, out);
    c.patience = 10; /* whole outputs, and naive on layers that nobody would time */
    checkup(&c, true, NULL, dump);
    return finish(&c);
}
