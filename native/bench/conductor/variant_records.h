/* SPDX-License-Identifier: Apache-2.0
 * Records about a variant on a layer, one function a type. */
#ifndef CONVBENCH_VARIANT_RECORDS_H
#define CONVBENCH_VARIANT_RECORDS_H

#include "conductor/identity.h"
#include "conductor/records.h"
#include "wire/evidence.h"
#include "wire/fields.h"

/* From the answer to `create`; a malformed one leaves its fault in created->error and writes nothing. foreign: what it
 * does not tell is 0. */
bool emit_layer(records *out, const identity *of, fields *created, bool foreign);
/* NaN: not compared, or an older worker does not tell. */
typedef struct {
    double over_bound, largest, bound; /* as of `checked` (wire/protocol.h) */
} check_error;

/* From the answer; of what is missing there, `over_bound` alone is a fault. */
check_error emit_error_told(fields *checked);
/* by: reference or checksum. */
void emit_check(records *out, const identity *of, const char *by, uint64_t outputs, const check_error *error, bool ok);
void emit_sample(records *out, const identity *of, unsigned round, unsigned position, int pid, const evidence *e);
void emit_skip(records *out, const identity *of, const char *reason, uint64_t bytes); /* bytes 0: not of memory */
void emit_error(records *out, const identity *of, const char *reason, int signal, bool timed_out, bool external);

#endif
