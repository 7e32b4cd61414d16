/* SPDX-License-Identifier: Apache-2.0
 * Records about a variant on a layer, one function a type. */
#ifndef CONVBENCH_VARIANT_RECORDS_H
#define CONVBENCH_VARIANT_RECORDS_H

#include "conductor/identity.h"
#include "conductor/records.h"
#include "wire/evidence.h"
#include "wire/fields.h"

#include <math.h>

/* What a check found: the largest error over its bound, and as a share of |bias| + sum |input||weight|. NaN: not
 * compared, or not told. */
typedef struct {
    double over_bound, relative;
} check_error;

#define CHECK_ERROR_UNKNOWN ((check_error){NAN, NAN})

/* From the answer to `check` or `judge`. */
check_error check_error_read(fields *f);

/* From the answer to `create`; a malformed one leaves its fault in created->error and writes nothing. foreign: what it
 * does not tell is 0. */
bool emit_layer(records *out, const identity *of, fields *created, bool foreign);
/* by: reference or checksum. */
void emit_check(records *out, const identity *of, const char *by, uint64_t outputs, check_error error, bool ok);
void emit_sample(records *out, const identity *of, unsigned round, unsigned position, int pid, const evidence *e);
void emit_skip(records *out, const identity *of, const char *reason, uint64_t bytes); /* bytes 0: not of memory */
void emit_error(records *out, const identity *of, const char *reason, int signal, bool timed_out, bool external);

#endif
