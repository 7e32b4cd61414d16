/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/run_records.h"

#include "core/core.h"
#include "machine/affinity.h"
#include "machine/process.h"
#include "machine/program.h"
#include "wire/machine_json.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SCHEMA 2

void emit_header(records *out, const plan *p, const caches *c, uint64_t memory) {
    char boot[64] = "", utc[32] = "", build[13];
    time_t now = time(NULL);
    struct tm tm;
    process_boot_id(boot, sizeof boot);
    if (gmtime_r(&now, &tm)) {
        strftime(utc, sizeof utc, "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    snprintf(build, sizeof build, "%.12s", program_build_id());
    json *j = record_begin(out, "header");
    json_int(j, "version", SCHEMA);
    json_text(j, "run", p->run_id);
    json_int(j, "attempt", p->attempt);
    json_text(j, "cluster", p->cluster);
    json_int(j, "cpu", p->cpu);
    json_text(j, "build", build);
    json_text(j, "abi", program_abi());
    json_text(j, "compiler", program_compiler());
    json_text(j, "flags", program_flags());
    json_words(j, "cpu_features", ic_cpu_features());
    machine_json_caches(j, c);
    json_text(j, "plan_hash", p->hash);
    machine_json_timer(j);
    json_size(j, "memory_budget", memory);
    json_int(j, "page_size", sysconf(_SC_PAGESIZE));
    json_int(j, "conductor_pid", getpid());
    json_size(j, "conductor_start_ticks", process_start());
    json_text(j, "boot_id", boot);
    json_text(j, "utc", utc);
    json_text(j, "tool_version", p->tool);
    record_end(out);
}

/* What `hello` tells of the clock and the peak. */
typedef struct {
    const char *reason, *isa, *why;
    bool available, ok;
    double mhz, flop, fmas, gflops;
} probes;

static double f64(fields *f, const char *key) {
    return fields_f64(f, key, -INFINITY, INFINITY);
}

static void read_clock(fields *f, probes *p) {
    p->reason = fields_text(f, "clock_reason");
    p->available = fields_u64(f, "clock_available", 0, 1);
    p->mhz = f64(f, "clock_mhz");
}

static void read_peak(fields *f, probes *p) {
    p->isa = fields_text(f, "peak_isa");
    p->why = fields_text(f, "peak_reason");
    p->ok = fields_u64(f, "peak_ok", 0, 1);
    p->flop = f64(f, "peak_flop_per_cycle");
    p->fmas = f64(f, "peak_fmas_per_cycle");
    p->gflops = f64(f, "peak_gflops");
}

/* The CPUs that a process may use, by the system. */
static const char *cpus_of(int pid) {
    static char list[256];
    cpu_set set;
    list[0] = 0;
    if (affinity_of(pid, &set)) {
        cpu_set_print(&set, list, sizeof list);
    }
    return list;
}

bool emit_worker(records *out, unsigned launch, const char *build, fields *f, const worker_process *w, bool foreign) {
    probes told = {.reason = "the worker does not tell", .isa = "", .why = "the worker does not tell"};
    uint64_t pid = foreign ? (uint64_t)w->pid : fields_u64(f, "pid", 1, INT32_MAX);
    const char *cpus = foreign ? cpus_of((int)w->pid) : fields_text(f, "cpus");
    int nice = 0;
    const bool has_nice = worker_process_nice(w, &nice);
    if (!foreign || fields_has(f, "clock_available")) {
        read_clock(f, &told);
    }
    if (!foreign || fields_has(f, "peak_ok")) {
        read_peak(f, &told);
    }
    bool has_table = fields_has(f, "table_sha256"), has_counters = fields_has(f, "counters_error");
    const char *counters = fields_text_or(f, "counters_error", ""), *pmu = fields_text_or(f, "counters_pmu", ""),
               *why = fields_text_or(f, "counters_reason", "");
    const char *sha256 = fields_text_or(f, "table_sha256", ""), *refused = fields_text_or(f, "table_refused", "");
    if (f->error[0]) {
        return false;
    }
    json *j = record_begin(out, "worker");
    json_int(j, "launch", launch);
    json_text(j, "build", build);
    json_size(j, "pid", pid);
    json_text(j, "cpus", cpus);
    json_number(j, "nice", has_nice ? nice : (double)NAN);
    json_open(j, "clock", '{');
    json_bool(j, "available", told.available);
    json_text(j, "reason", told.reason);
    json_number(j, "mhz", told.available ? told.mhz : (double)NAN);
    json_close(j, '}');
    json_open(j, "peak", '{');
    json_text(j, "isa", told.isa);
    json_bool(j, "ok", told.ok);
    json_number(j, "flop_per_cycle", told.flop > 0 ? told.flop : (double)NAN);
    json_number(j, "fmas_per_cycle", told.fmas > 0 ? told.fmas : (double)NAN);
    json_number(j, "gflops", told.gflops > 0 ? told.gflops : (double)NAN);
    json_text(j, "reason", told.why);
    json_close(j, '}');
    if (has_counters) {
        json_open(j, "counters", '{');
        json_text(j, "error", counters);
        json_text(j, "pmu", pmu);
        json_text(j, "reason", why);
        json_close(j, '}');
    }
    if (has_table) {
        json_open(j, "table", '{');
        json_text(j, "sha256", sha256);
        json_text(j, "refused", refused);
        json_close(j, '}');
    }
    record_end(out);
    return true;
}

void emit_job(records *out, unsigned launch, const char *layer, unsigned rounds, unsigned planned, bool complete,
              double elapsed_s, double lost_s) {
    json *j = record_begin(out, "job");
    json_int(j, "launch", launch);
    json_text(j, "layer", layer);
    json_int(j, "rounds", rounds);
    json_int(j, "rounds_planned", planned);
    json_bool(j, "complete", complete);
    json_number(j, "elapsed_s", elapsed_s);
    json_number(j, "lost_s", lost_s);
    record_end(out);
}

void emit_end(records *out, const char *reason) {
    json *j = record_begin(out, "end");
    json_size(j, "records", out->seq);
    json_text(j, "reason", reason);
    record_end(out);
}
