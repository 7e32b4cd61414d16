/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/hello.h"

#include "machine/affinity.h"
#include "machine/caches.h"
#include "machine/program.h"
#include "probes/clock_probe.h"
#include "probes/peak_probe.h"
#include "wire/lines.h"
#include "worker/reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void take_cpus(worker *w, const cpu_set *allowed) {
    w->cpus[0] = (unsigned)w->cpu;
    w->cpu_count = 1;
    for (int cpu = 0; cpu < CPU_LIMIT && w->cpu_count < IC_MAX_THREADS; cpu++) {
        if (cpu != w->cpu && cpu_set_has(allowed, cpu)) {
            w->cpus[w->cpu_count++] = (unsigned)cpu;
        }
    }
}

bool hello_answer(worker *w, fields *f) {
    uint64_t protocol = fields_u64(f, "protocol", PROTOCOL_VERSION, PROTOCOL_VERSION);
    int cpu = w->cpu = (int)fields_u64(f, "cpu", 0, CPU_LIMIT - 1);
    w->memory = (size_t)fields_u64(f, "memory", ARENA_PAGE, SIZE_MAX / 2);
    w->llc = fields_u64(f, "llc", 1, UINT64_C(1) << 40);
    w->min_ns = fields_u64(f, "min_ns", 1, UINT64_MAX);
    w->max_khz = fields_u64(f, "max_khz", 0, UINT64_MAX);
    const char *list = fields_text_or(f, "cpus", "");
    bool probe = fields_u64(f, "probe", 0, 1), has_table = fields_has(f, "tuned");
    const char *tuned = fields_text_or(f, "tuned", "");
    cpu_set allowed = {{0}};
    if (*list && !cpu_set_parse(list, &allowed)) {
        fields_fail(f, "cpus=%.60s is not a CPU list", list);
    }
    fields_end(f);
    if (f->error[0] || !protocol) {
        return reply_failed(f->error);
    }
    take_cpus(w, &allowed);
    cpu_set set = {{0}};
    cpu_set_put(&set, cpu, true);
    char text[256];
    if (!affinity_set(&set)) {
        snprintf(text, sizeof text, "cannot run on CPU %d: %s", cpu,
                 errno ? strerror(errno) : "the system gave other CPUs");
        return reply_hindered(text);
    }
    if (!arena_open(&w->arena, w->memory, timer_ns() ^ (uint64_t)getpid() << 40)) {
        snprintf(text, sizeof text, "cannot reserve %zu bytes: %s", w->memory, strerror(errno));
        return reply_hindered(text);
    }
    counters_open(&w->counters, &COUNTER_SYSTEM, cpu);
    w->timer = timer_measure();
    w->l2 = caches_read(cpu, w->llc).l2;
    if (has_table) {
        table_load(&w->table, tuned); /* on this CPU */
    }
    cpu_set_print(&set, text, sizeof text);
    if (!probe) {
        return lines_put(PROTOCOL_FD, "hello protocol=%d build=%s pid=%d cpus=%s", PROTOCOL_VERSION, program_build_id(),
                         (int)getpid(), text);
    }
    char why[160];
    peak_result peak = peak_probe(IC_TYPE_F32, w->max_khz);
    clock_reading clock = clock_probe();
    bool available = clock_believable(clock, w->max_khz, why, sizeof why);
    return lines_put(PROTOCOL_FD,
                     "hello protocol=%d build=%s pid=%d cpus=%s clock_available=%d clock_reason=%s clock_mhz=%.17g "
                     "peak_isa=%s peak_ok=%d "
                     "peak_flop_per_cycle=%.17g peak_fmas_per_cycle=%.17g peak_gflops=%.17g peak_reason=%s "
                     "counters_error=%s counters_pmu=%s counters_reason=%s%s%s%s%s",
                     PROTOCOL_VERSION, program_build_id(), (int)getpid(), text, available, reply_text(why), clock.mhz,
                     reply_text(peak.isa), peak.ok, peak.flop_per_cycle, peak.fmas_per_cycle, peak.gflops,
                     reply_text(peak.reason), counter_word(w->counters.error), reply_text(w->counters.pmu),
                     reply_text(w->counters.reason), has_table ? " table_sha256=" : "", w->table.sha256,
                     has_table ? " table_refused=" : "", reply_text(w->table.refused));
}
