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
/* by: reference or checksum; error NaN: not compared. */
void emit_check(records *out, const identity *of, const char *by, uint64_t outputs, double error, bool ok);
void emit_sample(records *out, const identity *of, unsigned round, unsigned position, int pid, const evidence *e);
void emit_skip(records *out, const identity *of, const char *reason, uint64_t bytes); /* bytes 0: not of memory */
void emit_error(records *out, const identity *of, const char *reason, int signal, bool timed_out, bool external);

#endif
