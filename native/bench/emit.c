/* SPDX-License-Identifier: Apache-2.0 */
#include "emit.h"

#include "core/core.h"
#include "timer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SCHEMA 2

#ifndef IC_COMPILER
#define IC_COMPILER __VERSION__
#endif
#ifndef IC_FLAGS
#define IC_FLAGS ""
#endif

const char *emit_compiler(void) {
    return IC_COMPILER;
}

const char *emit_flags(void) {
    return IC_FLAGS;
}

const char *emit_version(void) {
    static char text[16];
    uint32_t v = ic_version();
    snprintf(text, sizeof text, "%u.%u.%u", v >> 16 & 255, v >> 8 & 255, v & 255);
    return text;
}

void emit_caches(json *j, const cpu_caches *c) {
    json_open(j, "caches", '{');
    json_size(j, "l1d", c->l1d);
    json_size(j, "l2", c->l2);
    json_size(j, "llc", c->llc);
    json_bool(j, "llc_assumed", c->llc_assumed);
    json_bool(j, "llc_capped", c->llc_capped);
    json_close(j, '}');
}

void emit_timer(json *j) {
    timer_info t = timer_measure();
    json_open(j, "timer", '{');
    json_text(j, "name", t.name);
    json_number(j, "tick_ns", t.tick_ns);
    json_number(j, "cost_ns", t.cost_ns);
    json_close(j, '}');
}

void emit_header(records *out, const plan *p, const cpu_caches *caches, uint64_t memory) {
    char boot[64] = "", utc[32] = "", build[13];
    time_t now = time(NULL);
    struct tm tm;
    cpu_boot_id(boot, sizeof boot);
    if (gmtime_r(&now, &tm)) {
        strftime(utc, sizeof utc, "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    snprintf(build, sizeof build, "%.12s", cpu_build_id());
    json *j = record_begin(out, "header");
    json_int(j, "version", SCHEMA);
    json_text(j, "run", p->run_id);
    json_int(j, "attempt", p->attempt);
    json_text(j, "cluster", p->cluster);
    json_int(j, "cpu", p->cpu);
    json_text(j, "build", build);
    json_text(j, "compiler", emit_compiler());
    json_text(j, "flags", emit_flags());
    json_words(j, "cpu_features", ic_cpu_features());
    emit_caches(j, caches);
    json_text(j, "plan_hash", p->hash);
    emit_timer(j);
    json_size(j, "memory_budget", memory);
    json_int(j, "page_size", sysconf(_SC_PAGESIZE));
    json_int(j, "conductor_pid", getpid());
    json_size(j, "conductor_start_ticks", cpu_start_ticks());
    json_text(j, "boot_id", boot);
    json_text(j, "utc", utc);
    json_text(j, "tool_version", p->tool);
    record_end(out);
}

static double f64(fields *f, const char *key) {
    return fields_f64(f, key, -INFINITY, INFINITY);
}

bool emit_worker(records *out, unsigned launch, const char *build, fields *f) {
    uint64_t pid = fields_u64(f, "pid", 1, INT32_MAX);
    const char *cpus = fields_text(f, "cpus"), *reason = fields_text(f, "clock_reason"),
               *isa = fields_text(f, "peak_isa"), *why = fields_text(f, "peak_reason");
    bool available = fields_u64(f, "clock_available", 0, 1), ok = fields_u64(f, "peak_ok", 0, 1);
    double mhz = f64(f, "clock_mhz"), flop = f64(f, "peak_flop_per_cycle"), fmas = f64(f, "peak_fmas_per_cycle"),
           gflops = f64(f, "peak_gflops");
    bool has_table = fields_has(f, "table_sha256");
    const char *sha256 = fields_text_or(f, "table_sha256", ""), *refused = fields_text_or(f, "table_refused", "");
    if (f->error[0]) {
        return false;
    }
    json *j = record_begin(out, "worker");
    json_int(j, "launch", launch);
    json_text(j, "build", build);
    json_size(j, "pid", pid);
    json_text(j, "cpus", cpus);
    json_open(j, "clock", '{');
    json_bool(j, "available", available);
    json_text(j, "reason", reason);
    json_number(j, "mhz", available ? mhz : (double)NAN);
    json_close(j, '}');
    json_open(j, "peak", '{');
    json_text(j, "isa", isa);
    json_bool(j, "ok", ok);
    json_number(j, "flop_per_cycle", flop > 0 ? flop : (double)NAN);
    json_number(j, "fmas_per_cycle", fmas > 0 ? fmas : (double)NAN);
    json_number(j, "gflops", gflops > 0 ? gflops : (double)NAN);
    json_text(j, "reason", why);
    json_close(j, '}');
    if (has_table) {
        json_open(j, "table", '{');
        json_text(j, "sha256", sha256);
        json_text(j, "refused", refused);
        json_close(j, '}');
    }
    record_end(out);
    return true;
}

static void write_identity(json *j, const identity *of) {
    json_text(j, "layer", of->layer);
    json_text(j, "variant", of->variant);
    json_text(j, "asked", of->asked);
    json_text(j, "algorithm", of->algorithm);
    json_text(j, "method", of->method);
    json_text(j, "kernel", of->kernel);
    json_text(j, "schedule", of->schedule);
    json_text(j, "face", of->face);
    json_text(j, "element", of->element);
    json_text(j, "layout", of->layout);
    json_int(j, "threads", of->threads);
    json_text(j, "build", of->build);
    json_text(j, "cache", of->cache);
}

static json *begin(records *out, const char *type, const identity *of) {
    json *j = record_begin(out, type);
    json_int(j, "launch", of->launch);
    write_identity(j, of);
    return j;
}

bool emit_layer(records *out, const identity *of, fields *f) {
    static const char *const sizes[] = {"input_bytes",  "output_bytes",  "weights_bytes", "pointer_bytes",
                                        "matrix_bytes", "padding_bytes", "object_bytes"};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    uint64_t bytes[SIZES];
    for (unsigned i = 0; i < SIZES; i++) {
        bytes[i] = fields_u64(f, sizes[i], 0, UINT64_MAX);
    }
    double create_ns = f64(f, "create_ns"), reshape_ns = f64(f, "reshape_ns");
    const char *by = fields_text_or(f, "chosen_by", ""), *order = fields_text_or(f, "order", "");
    if (f->error[0]) {
        return false;
    }
    json *j = begin(out, "layer", of);
    if (*by) {
        json_text(j, "chosen_by", by);
    }
    if (*order) {
        json_text(j, "order", order);
    }
    for (unsigned i = 0; i < SIZES; i++) {
        json_size(j, sizes[i], bytes[i]);
    }
    json_number(j, "create_ns", create_ns);
    json_number(j, "reshape_ns", reshape_ns);
    record_end(out);
    return true;
}

void emit_check(records *out, const identity *of, const char *by, uint64_t outputs, double error, bool ok) {
    json *j = begin(out, "check", of);
    json_text(j, "by", by);
    json_size(j, "outputs", outputs);
    json_number(j, "error_over_bound", error);
    json_bool(j, "ok", ok);
    record_end(out);
}

void emit_sample(records *out, const identity *of, unsigned round, unsigned position, int pid, const evidence *e) {
    json *j = begin(out, "sample", of);
    json_int(j, "round", round);
    json_int(j, "position", position);
    evidence_write_values(e, j);
    json_int(j, "pid", pid);
    evidence_write_addresses(e, j);
    record_end(out);
}

void emit_skip(records *out, const identity *of, const char *reason, uint64_t bytes) {
    json *j = record_begin(out, "skip");
    write_identity(j, of);
    json_text(j, "reason", reason);
    if (bytes) {
        json_size(j, "bytes", bytes);
    }
    record_end(out);
}

void emit_error(records *out, const identity *of, const char *reason, int signal, bool external) {
    json *j = begin(out, "error", of);
    if (signal) {
        json_int(j, "signal", signal);
    }
    json_bool(j, "external", external);
    json_text(j, "reason", reason);
    record_end(out);
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
