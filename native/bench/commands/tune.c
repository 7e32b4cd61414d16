/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/tune.h"

#include "conductor/stop.h"
#include "machine/affinity.h"
#include "machine/meminfo.h"
#include "wire/exit_codes.h"
#include "wire/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(json *j) {
    json_close(j, '}');
    fwrite(j->text, 1, j->length, stdout);
    putchar('\n');
    fflush(stdout);
    json_free(j);
}

/* Data, the object's copy of the weights (two of them while they are packed), and a matrix or pointers. */
static double bytes_of(const layer_shape *l) {
    const double depth = (double)l->weight_floats / (double)l->desc.out_channels;
    const double pixels = (double)l->out_height * (double)l->out_width;
    return 4 * ((double)l->input_floats + (double)l->output_floats + 3 * (double)l->weight_floats + pixels * depth);
}

static const char *too_large(const plan *p, const layer_shape *l, char *reason, size_t room) {
    const uint64_t available = meminfo_free(), most = available < p->memory_bytes ? available : p->memory_bytes;
    snprintf(reason, room, "needs about %.0f MiB of memory, of which there are %.0f", bytes_of(l) / 0x1p20,
             (double)most / 0x1p20);
    return bytes_of(l) > (double)most ? reason : NULL;
}

/* One layer; what stopped it, or NULL. */
static const char *tune_layer(const plan *p, const layer_shape *l, ic_tuned *tuned, ic_tuning *result) {
    static char reason[128];
    const ic_tune_options options = {.struct_size = sizeof options, .budget_s = p->budget_s};
    *result = (ic_tuning){.struct_size = sizeof *result};
    if (too_large(p, l, reason, sizeof reason)) {
        return reason;
    }
    ic_status status = ic_autotune(&l->desc, l->batch, l->height, l->width, &options, result);
    if (!status) {
        status = ic_tuned_add(tuned, &result->entry);
    }
    return status ? ic_status_string(status) : NULL;
}

static void say_layer(const layer_shape *l, const ic_tuning *result, const char *reason) {
    json j = {0};
    json_open(&j, NULL, '{');
    json_text(&j, "type", reason ? "skip" : "tuned");
    json_text(&j, "layer", l->name);
    if (reason) {
        json_text(&j, "reason", reason);
    } else {
        json_text(&j, "model", result->model);
        json_text(&j, "best", result->entry.choice);
        json_number(&j, "model_ns", result->model_ns > 0 ? result->model_ns : (double)NAN);
        json_number(&j, "best_ns", result->best_ns > 0 ? result->best_ns : (double)NAN);
        json_int(&j, "candidates", result->candidates);
    }
    say(&j);
}

/* Beside the target first, so that what stands there is never half a table. */
static bool write_table(const ic_tuned *tuned, const char *out) {
    char part[4096];
    size_t bytes;
    if ((size_t)snprintf(part, sizeof part, "%s.part", out) >= sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (ic_tuned_print(tuned, NULL, 0, &bytes)) {
        return false;
    }
    char *text = malloc(bytes);
    bool ok = text && !ic_tuned_print(tuned, text, bytes, &bytes);
    FILE *file = ok ? fopen(part, "wb") : NULL;
    ok = file && fwrite(text, 1, bytes, file) == bytes;
    ok = file && !fclose(file) && ok && !rename(part, out);
    if (file && !ok) {
        int why = errno;
        unlink(part);
        errno = why;
    }
    free(text);
    return ok;
}

int tune_plan(const plan *p, const char *out) {
    cpu_set set = {0};
    ic_tuned *tuned;
    ic_tuning result;
    stop_reason stop = STOP_NOT;
    bool ok = true;
    cpu_set_put(&set, p->cpu, true);
    if (!affinity_set(&set)) {
        fprintf(stderr, "convbench: cannot run on CPU %d: %s\n", p->cpu, errno ? strerror(errno) : "not allowed");
        return EXIT_BAD_PLAN;
    }
    ic_status status = ic_tuned_create(NULL, &tuned);
    if (status) {
        fprintf(stderr, "convbench: no tuned table for this CPU: %s\n",
                status == IC_TUNED_OTHER_CPU ? "the system does not tell which it is" : ic_status_string(status));
        return EXIT_WORKER;
    }
    stop_arm(p->deadline_s);
    for (unsigned i = 0; i < p->layer_count && !(stop = stop_now()); i++) {
        say_layer(&p->layers[i], &result, tune_layer(p, &p->layers[i], tuned, &result));
    }
    if (!write_table(tuned, out)) {
        fprintf(stderr, "convbench: cannot write %s: %s\n", out, strerror(errno));
        ok = false;
    }
    ic_tuned_destroy(tuned);
    json j = {0};
    json_open(&j, NULL, '{');
    json_text(&j, "type", "end");
    json_text(&j, "reason",
              !ok                     ? "error"
              : stop == STOP_SIGNAL   ? "signal"
              : stop == STOP_DEADLINE ? "deadline"
                                      : "done");
    say(&j);
    return !ok ? EXIT_BAD_PLAN : stop == STOP_SIGNAL ? EXIT_SIGNAL : stop == STOP_DEADLINE ? EXIT_DEADLINE : EXIT_DONE;
}
