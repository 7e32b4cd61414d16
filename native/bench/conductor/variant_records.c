/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/variant_records.h"

#include <math.h>

static json *begin(records *out, const char *type, const identity *of) {
    json *j = record_begin(out, type);
    json_int(j, "launch", of->launch);
    identity_write(of, j);
    return j;
}

static double f64(fields *f, const char *key, bool foreign) {
    return foreign && !fields_has(f, key) ? 0 : fields_f64(f, key, 0, INFINITY);
}

bool emit_layer(records *out, const identity *of, fields *f, bool foreign) {
    static const char *const sizes[] = {"input_bytes",  "output_bytes",  "weights_bytes", "pointer_bytes",
                                        "matrix_bytes", "padding_bytes", "object_bytes"};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    uint64_t bytes[SIZES];
    for (unsigned i = 0; i < SIZES; i++) {
        bytes[i] = foreign && !fields_has(f, sizes[i]) ? 0 : fields_u64(f, sizes[i], 0, UINT64_MAX);
    }
    double create_ns = f64(f, "create_ns", foreign), reshape_ns = f64(f, "reshape_ns", foreign);
    const char *by = fields_text_or(f, "chosen_by", ""), *order = fields_text_or(f, "order", ""),
               *cpus = fields_text_or(f, "cpus", "");
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
    if (*cpus) {
        json_text(j, "cpus", cpus);
    }
    for (unsigned i = 0; i < SIZES; i++) {
        json_size(j, sizes[i], bytes[i]);
    }
    json_number(j, "create_ns", create_ns);
    json_number(j, "reshape_ns", reshape_ns);
    record_end(out);
    return true;
}

static double told(fields *f, const char *key) {
    return fields_has(f, key) ? fields_f64(f, key, 0, INFINITY) : (double)NAN;
}

check_error emit_error_told(fields *f) {
    const check_error e = {fields_f64(f, "error_over_bound", 0, INFINITY), told(f, "max_error"), told(f, "bound")};
    return e;
}

void emit_check(records *out, const identity *of, const char *by, uint64_t outputs, const check_error *error, bool ok) {
    json *j = begin(out, "check", of);
    json_text(j, "by", by);
    json_size(j, "outputs", outputs);
    json_number(j, "error_over_bound", error->over_bound);
    json_number(j, "max_error", error->largest);
    json_number(j, "bound", error->bound);
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
    identity_write(of, j);
    json_text(j, "reason", reason);
    if (bytes) {
        json_size(j, "bytes", bytes);
    }
    record_end(out);
}

void emit_error(records *out, const identity *of, const char *reason, int signal, bool timed_out, bool external) {
    json *j = begin(out, "error", of);
    if (signal) {
        json_int(j, "signal", signal);
    }
    json_bool(j, "timed_out", timed_out);
    json_bool(j, "external", external);
    json_text(j, "reason", reason);
    record_end(out);
}
