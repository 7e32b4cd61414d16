/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/checker_process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const inputs[] = {"input", "weights", "bias"};

static const char *file_of(const run *r, const char *name) {
    static char path[PROTOCOL_LINE / 2];
    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    return path;
}

static const char *encoded(const char *text) {
    static char room[PROTOCOL_LINE];
    return fields_encode(text, room, sizeof room);
}

static bool ask(run *r, double allowance_s, const char *request, const char *wanted) {
    r->asked = &r->checker;
    bool answered = worker_process_ask(&r->checker, &r->a, r->patience * r->p->worker_timeout_s + allowance_s, request);
    if (answered && !r->a.reply.error[0] && !strcmp(r->a.reply.word, wanted)) {
        return true;
    }
    r->a.external |= !answered; /* whatever ended the checker, it wasn't the variant */
    return false;
}

static bool fail(run *r, const char *what) {
    r->a.status = ASK_ANSWERED;
    r->a.signal = 0;
    r->a.external = true;
    snprintf(r->a.reason, sizeof r->a.reason, "%s: %s", what, strerror(errno));
    return false;
}

/* The folder, under a name that holds wherever a worker goes. */
static bool make_folder(run *r) {
    if (mkdir(r->folder, 0700) && errno != EEXIST) {
        return fail(r, "cannot make the folder of the tensors");
    }
    char *path = realpath(r->folder, NULL);
    if (!path) {
        return fail(r, "cannot find the folder of the tensors");
    }
    free(r->folder);
    r->folder = path;
    r->has_folder = true;
    return true;
}

/* Our own program: under emulation the system cannot start it by itself, and the plan says how. */
static const char *program(const plan *p) {
    for (unsigned i = 0; i < p->build_count; i++) {
        if (!p->builds[i].foreign) {
            return p->builds[i].exe;
        }
    }
    return "";
}

static bool start(run *r) {
    char request[128];
    if (!make_folder(r) || !worker_process_start(&r->checker, program(r->p), "check", NULL, &r->a)) {
        return false;
    }
    snprintf(request, sizeof request, "hello protocol=%d memory=%" PRIu64, PROTOCOL_VERSION, r->memory);
    if (ask(r, 0, request, "hello")) {
        return true;
    }
    r->a.external = true;
    worker_process_stop(&r->checker);
    return false;
}

bool checker_layer(run *r, unsigned layer) {
    static char request[PROTOCOL_LINE];
    if (!r->checker.pid && !start(r)) {
        return false;
    }
    if (r->checker.layer == (int)layer) {
        return true;
    }
    layer_print(&r->p->layers[layer], request);
    fields_append(request, sizeof request, " data=%s", encoded(r->folder));
    r->checker.layer = -1;
    if (!ask(r, 0, request, "ok")) {
        return false;
    }
    r->checker.layer = (int)layer;
    return true;
}

void checker_append_files(const run *r, unsigned layer, char *request, size_t room) {
    const layer_shape *l = &r->p->layers[layer];
    fields_append(request, room, " out_h=%zu out_w=%zu", l->out_height, l->out_width);
    for (unsigned i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        fields_append(request, room, " %s=%s", inputs[i], encoded(file_of(r, inputs[i])));
    }
}

const char *checker_new_output(const run *r) {
    const char *path = file_of(r, "output");
    unlink(path);
    return path;
}

bool checker_judge(run *r, unsigned layer, const char *by, const char *dump, const char *as) {
    static char request[PROTOCOL_LINE];
    if (!checker_layer(r, layer)) {
        return false;
    }
    snprintf(request, sizeof request, "judge by=%s output=%s", by, encoded(file_of(r, "output")));
    if (dump) {
        fields_append(request, sizeof request, " dump=%s", encoded(dump));
        fields_append(request, sizeof request, " as=%s", encoded(as));
    }
    bool judged = ask(r, run_slowest_s(r, layer), request, "judged");
    unlink(file_of(r, "output"));
    return judged;
}

void checker_forget_layer(run *r) {
    if (r->checker.layer < 0 || !r->checker.pid) {
        return;
    }
    for (unsigned i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        unlink(file_of(r, inputs[i]));
    }
    r->checker.layer = -1;
}

void checker_stop(run *r) {
    if (!r->has_folder) {
        return;
    }
    for (unsigned i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        unlink(file_of(r, inputs[i]));
    }
    unlink(file_of(r, "output"));
    rmdir(r->folder);
    worker_process_stop(&r->checker);
}
