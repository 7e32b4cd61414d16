/* SPDX-License-Identifier: Apache-2.0
 * The records of a run, one function a type. Worker answers become records here; a malformed answer leaves its fault in
 * the answer's reply.error and writes nothing. */
#ifndef CONVBENCH_EMIT_H
#define CONVBENCH_EMIT_H

#include "cpu.h"
#include "evidence.h"
#include "worker_process.h"
#include "plan.h"
#include "records.h"

/* What a record is about: a variant on a layer. */
typedef struct {
    unsigned launch;
    const char *layer;
    const char *variant;                    /* its name, for people */
    const char *asked;                      /* what the plan asked for */
    const char *algorithm;                  /* that ran; before that is known the one asked for */
    const char *method, *kernel, *schedule; /* that ran; "": not known */
    const char *face, *element, *layout;
    unsigned threads;
    const char *build;
    const char *cache; /* "": every mode */
} identity;

void emit_header(records *out, const plan *p, const cpu_caches *caches, uint64_t memory);
bool emit_worker(records *out, unsigned launch, const char *build, fields *hello);
bool emit_layer(records *out, const identity *of, fields *created);
void emit_check(records *out, const identity *of, const char *by, uint64_t outputs, double error, bool ok);
void emit_sample(records *out, const identity *of, unsigned round, unsigned position, int pid, const evidence *e);
void emit_skip(records *out, const identity *of, const char *reason, uint64_t bytes);
void emit_error(records *out, const identity *of, const char *reason, int signal, bool external);
/* complete: nothing is missing of it but what is out for good, and what the budget cut. */
void emit_job(records *out, unsigned launch, const char *layer, unsigned rounds, unsigned planned, bool complete,
              double elapsed_s, double lost_s);
void emit_end(records *out, const char *reason);

const char *emit_compiler(void);
const char *emit_flags(void);
const char *emit_version(void);
void emit_caches(json *j, const cpu_caches *caches);
void emit_timer(json *j);

#endif
