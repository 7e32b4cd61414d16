/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/foreign.h"

#include "conductor/checker_process.h"
#include "conductor/variant_records.h"
#include "conductor/workers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROUNDING 0.01 /* of a time as it is told */

const char *foreign_schedule(fields *f) {
    const char *schedule = fields_text_or(f, "schedule", "");
    size_t length = strlen(schedule);
    if (length >= sizeof((object_state *)0)->schedule ||
        strspn(schedule, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-") != length) {
        fields_fail(f, "schedule=%.70s is not up to 63 of A-Z a-z 0-9 _ . + -", schedule);
    }
    return schedule;
}

static bool write_output(run *r, worker_process *w, unsigned layer, unsigned object, bool compute) {
    object_state *known = run_object(r, layer, object);
    identity of = run_identity(r, layer, object);
    static char request[PROTOCOL_LINE], path[PROTOCOL_LINE / 2];
    fields_encode(checker_new_output(r), path, sizeof path);
    snprintf(request, sizeof request, "check object=%u by=file compute=%d output=%s", object, compute, path);
    if (!workers_obtain(r, w, layer, object, run_slowest_s(r, layer), request, "checked")) {
        return false;
    }
    fields *f = &r->a.reply;
    if (compute) {
        known->no_checksum = !fields_has(f, "checksum");
        known->checksum = known->no_checksum ? 0 : fields_u64(f, "checksum", 0, UINT64_MAX);
    }
    return !f->error[0] || workers_give_up(r, &of);
}

bool foreign_judge(run *r, worker_process *w, unsigned layer, unsigned object, const char *by, const char *dump,
                   bool compute, bool quiet) {
    object_state *known = run_object(r, layer, object);
    identity of = run_identity(r, layer, object);
    char file[VARIANT_NAME];
    variant_file(&r->p->variants[object], known->algorithm, known->schedule, file);
    if (!write_output(r, w, layer, object, compute)) {
        return false;
    }
    if (!checker_judge(r, layer, by, dump, file)) {
        return workers_give_up(r, &of);
    }
    fields *f = &r->a.reply;
    uint64_t outputs = fields_u64(f, "outputs", 0, UINT64_MAX);
    const check_error error = emit_error_told(f);
    bool ok = fields_u64(f, "ok", 0, 1);
    if (f->error[0]) {
        return workers_give_up(r, &of);
    }
    if (!quiet || !ok) {
        emit_check(r->out, &of, "reference", outputs, &error, ok);
    }
    r->wrong |= !ok;
    known->usable &= ok;
    return ok;
}

void foreign_complete(evidence *e, fields *f, const foreign_asked *asked) {
    if (!(e->ns > 0 && isfinite(e->ns) && e->window_ns > 0 && isfinite(e->window_ns))) {
        fields_fail(f, "ns and window_ns are no times");
    }
    if (e->window_ns > (double)asked->waited_ns) {
        fields_fail(f, "window_ns=%.0f, but it answered after %" PRIu64 " ns", e->window_ns, asked->waited_ns);
    }
    if (asked->calls && e->calls != asked->calls) {
        fields_fail(f, "calls=%" PRIu64 ", but %" PRIu64 " were asked for", e->calls, asked->calls);
    }
    if (!asked->rotate && fabs(e->ns * (double)e->calls / e->window_ns - 1) > ROUNDING) {
        fields_fail(f, "ns=%.6g is not window_ns=%.6g over calls=%" PRIu64, e->ns, e->window_ns, e->calls);
    }
    if (asked->rotate && e->untold.copies) {
        fields_fail(f, "key 'copies' is missing (cache=rotate)");
    }
    if (e->untold.copies) {
        e->copies = 1;
        e->untold.copies = false;
    }
    if (e->untold.window_short) {
        e->window_short = e->window_ns < (double)asked->min_ns;
        e->untold.window_short = false;
    }
    if (e->untold.t_ns) { /* the request's: on the same clock, and before the window */
        e->t_ns = asked->t_ns;
        e->untold.t_ns = false;
    }
}
