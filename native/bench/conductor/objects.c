/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/objects.h"

#include "conductor/foreign.h"
#include "conductor/variant_records.h"
#include "conductor/workers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* From the answer to `create`: what runs. False: an answer that makes no sense, or the choice changed, as r->a tells;
 * or another variant has the name, which is skipped. */
static bool note(run *r, unsigned layer, unsigned object) {
    fields *f = &r->a.reply;
    const char *program = r->p->variants[object].program;
    const choice made = {program ? program : fields_text(f, "algorithm"), fields_text_or(f, "method", ""),
                         program ? fields_text_or(f, "kernel", "") : fields_text(f, "kernel"),
                         program ? foreign_schedule(f) : fields_text(f, "schedule")};
    char reason[sizeof r->a.reason];
    if (f->error[0]) {
        return false;
    }
    object_state_noted status = object_state_note(run_object(r, layer, 0), r->p, object, &made, reason, sizeof reason);
    if (status == OBJECT_CHANGED) {
        snprintf(r->a.reason, sizeof r->a.reason, "%s", reason);
    }
    if (status == OBJECT_TWICE) {
        identity of = run_identity(r, layer, object);
        emit_skip(r->out, &of, reason, 0);
    }
    return status == OBJECT_NOTED;
}

/* Several threads are none unless the worker says that it has them: it may know nothing of the key. */
static bool takes_threads(run *r, const plan_variant *v) {
    fields *f = &r->a.reply;
    uint64_t told = fields_has(f, "threads") ? fields_u64(f, "threads", 1, UINT64_MAX) : 1;
    if (!f->error[0] && told != v->threads) {
        fields_fail(f, "created for %" PRIu64 " thread(s), but threads=%u was asked for", told, v->threads);
    }
    return !f->error[0];
}

static bool create(run *r, worker_process *w, unsigned layer, unsigned object) {
    const plan_variant *v = &r->p->variants[object];
    object_state *known = run_object(r, layer, object);
    identity of = run_identity(r, layer, object);
    char request[512], schedule[FIELDS_ENCODED(sizeof v->schedule)];
    /* What was checked is what is measured: from the check on, the schedule has its name. A choice is made again, so
     * that its time counts, and compared. */
    fields_encode(known->schedule[0] && !variant_chosen(v) ? known->schedule : v->schedule, schedule, sizeof schedule);
    snprintf(request, sizeof request, "create object=%u algorithm=%s schedule=%s", object, variant_algorithm(v),
             schedule);
    if (run_tells_threads(r, v->build)) {
        fields_append(request, sizeof request, " threads=%u", v->threads);
    }
    if (!workers_obtain(r, w, layer, object, 0, request, "created")) {
        return false;
    }
    if (!takes_threads(r, v)) {
        known->usable = false;
        return workers_give_up(r, &of);
    }
    if (!note(r, layer, object)) {
        known->usable = false;
        return (r->a.reason[0] || r->a.reply.error[0]) && workers_give_up(r, &of);
    }
    w->created[object] = true;
    return true;
}

/* by: reference, every or checksum. False: it failed (recorded), or the result is wrong (recorded, r->wrong). */
static bool check(run *r, worker_process *w, unsigned layer, unsigned object, const char *by, const char *dump,
                  bool quiet) {
    if (r->p->variants[object].program) { /* a new process computes anew, so it is judged anew */
        return foreign_judge(r, w, layer, object, strcmp(by, "every") ? "reference" : by, dump, true, quiet);
    }
    object_state *known = run_object(r, layer, object);
    identity of = run_identity(r, layer, object);
    bool sum_only = !strcmp(by, "checksum");
    static char request[PROTOCOL_LINE], folder[PROTOCOL_LINE / 2];
    char file[VARIANT_NAME];
    variant_file(&r->p->variants[object], known->algorithm, known->schedule, file);
    snprintf(request, sizeof request, "check object=%u by=%s", object, by);
    if (dump) {
        snprintf(request, sizeof request, "check object=%u by=%s dump=%s as=%s", object, by,
                 fields_encode(dump, folder, sizeof folder), file);
    }
    if (!workers_obtain(r, w, layer, object, run_slowest_s(r, layer), request, "checked")) {
        return false;
    }
    fields *f = &r->a.reply;
    uint64_t outputs = fields_u64(f, "outputs", 0, UINT64_MAX), sum = fields_u64(f, "checksum", 0, UINT64_MAX);
    check_error error = emit_error_told(f);
    bool ok = fields_u64(f, "ok", 0, 1);
    if (f->error[0]) {
        return workers_give_up(r, &of);
    }
    if (sum_only) {
        ok = sum == known->checksum;
        error = (check_error){(double)NAN, (double)NAN, (double)NAN};
    } else {
        known->checksum = sum;
    }
    if (!quiet || !ok) {
        emit_check(r->out, &of, sum_only ? "checksum" : "reference", outputs, &error, ok);
    }
    r->wrong |= !ok;
    known->usable &= ok;
    return ok;
}

bool objects_prepare(run *r, unsigned layer, unsigned variant, worker_process **worker, bool again) {
    unsigned object = r->p->variants[variant].object;
    if (!workers_ready(r, layer, variant, worker)) {
        return false;
    }
    worker_process *w = *worker;
    if (w->created[object]) {
        return true;
    }
    if (!create(r, w, layer, object)) {
        return false;
    }
    identity of = run_identity(r, layer, object);
    if (!again && !emit_layer(r->out, &of, &r->a.reply, r->p->variants[object].program)) {
        return workers_give_up(r, &of);
    }
    if (check(r, w, layer, object, "checksum", NULL, again)) {
        return true;
    }
    if (w->pid) {
        w->created[object] = false;
    }
    return false;
}

bool objects_check(run *r, unsigned layer, unsigned object, const char *by, const char *dump) {
    worker_process *w;
    return workers_ready(r, layer, object, &w) && create(r, w, layer, object) &&
           check(r, w, layer, object, by, dump, false);
}

bool objects_judge_last(run *r, unsigned layer, unsigned object, bool quiet) {
    worker_process *w = &r->workers[r->p->variants[object].build];
    if (!w->pid || w->layer != (int)layer || !w->created[object]) {
        return true; /* it died after its samples, which is recorded */
    }
    return foreign_judge(r, w, layer, object, "reference", NULL, false, quiet);
}

bool objects_wrong(run *r, unsigned layer, unsigned object) {
    identity of = run_identity(r, layer, object);
    const check_error unknown = {(double)NAN, (double)NAN, (double)NAN};
    emit_check(r->out, &of, "checksum", r->p->layers[layer].output_floats, &unknown, false);
    run_object(r, layer, object)->usable = false;
    r->wrong = true;
    return false;
}
