/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/evidence.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define FORMAT_u64 "%" PRIu64
#define FORMAT_count "%" PRIu64
#define FORMAT_i64 "%" PRId64
#define FORMAT_f64 "%.17g"
#define FORMAT_f64_or_null "%.17g"
#define FORMAT_f64_if_told "%.17g"
#define FORMAT_f64_if_turned "%.17g"
#define FORMAT_i64_if_counted "%" PRId64
#define FORMAT_f64_if_counted "%.17g"
#define FORMAT_bool "%d"

char *evidence_print(const evidence *e, char text[EVIDENCE_TEXT]) {
    text[0] = 0;
#define EVIDENCE(name, kind) fields_append(text, EVIDENCE_TEXT, " " #name "=" FORMAT_##kind, e->name);
#define EVIDENCE_ADDRESS(name) fields_append(text, EVIDENCE_TEXT, " " #name "=%" PRIu64, e->address.name);
#include "wire/evidence.inc.h"
    return text;
}

static uint64_t read_u64(fields *f, const char *key) {
    return fields_u64(f, key, 0, UINT64_MAX);
}

static uint64_t read_count(fields *f, const char *key) {
    return fields_u64(f, key, 1, UINT64_MAX);
}

static int64_t read_i64(fields *f, const char *key) {
    return (int64_t)fields_f64(f, key, -1, 0x1p53);
}

static double read_f64(fields *f, const char *key) {
    return fields_f64(f, key, -INFINITY, INFINITY);
}

static double read_f64_or_null(fields *f, const char *key) {
    return read_f64(f, key);
}

static double read_f64_if_told(fields *f, const char *key) {
    return read_f64(f, key);
}

static double read_f64_if_turned(fields *f, const char *key) {
    return read_f64(f, key);
}

static int64_t read_i64_if_counted(fields *f, const char *key) {
    return read_i64(f, key);
}

static double read_f64_if_counted(fields *f, const char *key) {
    return read_f64(f, key);
}

static bool read_bool(fields *f, const char *key) {
    return fields_u64(f, key, 0, 1);
}

static bool is_told(const fields *f, const char *key, const char *kind, bool all) {
    bool needed =
        all ? !strstr(kind, "_if_") : !strcmp(key, "calls") || !strcmp(key, "ns") || !strcmp(key, "window_ns");
    return needed || fields_has(f, key);
}

bool evidence_read(evidence *e, fields *f, bool all) {
    memset(e, 0, sizeof *e);
#define EVIDENCE(name, kind)                                                                                           \
    e->untold.name = !is_told(f, #name, #kind, all);                                                                   \
    if (!e->untold.name) {                                                                                             \
        e->name = read_##kind(f, #name);                                                                               \
    }
#define EVIDENCE_ADDRESS(name) e->address.name = all || fields_has(f, #name) ? read_u64(f, #name) : 0;
#include "wire/evidence.inc.h"
    return !f->error[0];
}

static void write_f64_or_null(json *j, const char *key, double value) {
    json_number(j, key, value >= 0 ? value : (double)NAN);
}

static bool counted(const evidence *e) {
    return !e->untold.count_error && e->count_error >= 0;
}

#define write_u64 json_size
#define write_count json_size
#define write_i64 json_int
#define write_f64_if_told write_f64_or_null
#define write_f64_if_turned write_f64_or_null
#define write_f64 json_number
#define write_i64_if_counted json_int
#define write_f64_if_counted write_f64_or_null
#define write_bool json_bool

void evidence_write_values(const evidence *e, json *j) {
#define EVIDENCE(name, kind)                                                                                           \
    if (strstr(#kind, "_if_turned") && (e->untold.name || (double)e->name < 0)) {                                      \
    } else if (strstr(#kind, "_if_counted") && !counted(e)) {                                                          \
    } else if (e->untold.name) {                                                                                       \
        json_number(j, #name, (double)NAN);                                                                            \
    } else {                                                                                                           \
        write_##kind(j, #name, e->name);                                                                               \
    }
#include "wire/evidence.inc.h"
}

void evidence_write_addresses(const evidence *e, json *j) {
    json_open(j, "addresses", '{');
#define EVIDENCE_ADDRESS(name) json_hex(j, #name, e->address.name);
#include "wire/evidence.inc.h"
    json_close(j, '}');
}
