/* SPDX-License-Identifier: Apache-2.0
 * What is known of a sample beside its variant: the time and what it was taken under. The fields stand in
 * evidence.inc.h.
 */
#ifndef CONVBENCH_EVIDENCE_H
#define CONVBENCH_EVIDENCE_H

#include "wire/fields.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t evidence_u64, evidence_count;
typedef int64_t evidence_i64, evidence_i64_if_counted;
typedef double evidence_f64, evidence_f64_or_null, evidence_f64_if_told, evidence_f64_if_turned,
    evidence_f64_if_counted;
typedef bool evidence_bool;

typedef struct {
#define EVIDENCE(name, kind) evidence_##kind name;
#include "wire/evidence.inc.h"
    struct {
#define EVIDENCE_ADDRESS(name) uint64_t name;
#include "wire/evidence.inc.h"
    } address;
    struct {
#define EVIDENCE(name, kind) bool name;
#include "wire/evidence.inc.h"
    } untold; /* null in the record */
} evidence;

#define EVIDENCE_TEXT 2048 /* room for all of it in a line */

/* In the reply: ` calls=... ns=...`. Returns text. */
char *evidence_print(const evidence *e, char text[EVIDENCE_TEXT]);
/* From the reply; false: the fault is in f->error. all: every field has to be there; else calls, ns and window_ns. */
bool evidence_read(evidence *e, fields *f, bool all);
/* In the record: the values, then the addresses as an object. */
void evidence_write_values(const evidence *e, json *j);
void evidence_write_addresses(const evidence *e, json *j);

#endif
