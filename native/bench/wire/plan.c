/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/plan.h"

#include "machine/program.h"
#include "machine/textfile.h"
#include "wire/plan_settings.h"
#include "wire/plan_work.h"
#include "wire/sha256.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_LINE "convbench-plan 2"

static void read_line(plan_reader *r) {
    static const struct {
        const char *word;
        void (*read)(plan_reader *);
    } table[] = {{"run", plan_read_run},     {"measure", plan_read_measure}, {"gate", plan_read_gate},
                 {"watch", plan_read_watch}, {"max_khz", plan_read_max_khz}, {"tuned", plan_read_tuned},
                 {"build", plan_read_build}, {"variant", plan_read_variant}, {"layer", plan_read_layer},
                 {"known", plan_read_known}, {"job", plan_read_job},         {"ask", plan_read_ask}};
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        if (!strcmp(r->f.word, table[i].word)) {
            table[i].read(r);
            fields_end(&r->f);
            return;
        }
    }
    fields_fail(&r->f, "unknown word '%.40s'", r->f.word);
}

static bool complain(unsigned line, const char *reason) {
    fprintf(stderr, "plan line %u: %s\n", line, reason);
    return false;
}

/* Whether the file is a plan of our version. */
static bool first_line(const char *line) {
    char reason[160];
    if (!strcmp(line, FIRST_LINE)) {
        return true;
    }
    if (strncmp(line, "convbench-plan ", 15) || line[15] < '0' || line[15] > '9') {
        return complain(1, "the first line is not '" FIRST_LINE "'");
    }
    snprintf(reason, sizeof reason, "'%.40s': %s reads it, this is convbench %s, which reads version 2", line,
             strcmp(line + 15, "1") ? "another convbench" : "convbench 0.1", program_version());
    return complain(1, reason);
}

bool plan_read(plan *p, const char *path) {
    size_t bytes;
    memset(p, 0, sizeof *p);
    p->path = path;
    p->gate.source = p->gate.path = plan_kept("");
    char *text = textfile_read(path, &bytes);
    if (!text) {
        fprintf(stderr, "convbench: cannot read the plan %s: %s\n", path, strerror(errno));
        return false;
    }
    sha256_hex(text, bytes, p->hash);
    if (strlen(text) != bytes) {
        return complain(1, "the file holds a NUL byte");
    }
    plan_reader r = {.p = p};
    unsigned number = 0;
    for (char *line = text, *next; *line; line = next) {
        number++;
        next = line + strcspn(line, "\n");
        if (!*next) {
            return complain(number, "the last line is cut: it has no line end");
        }
        *next++ = 0;
        line += strspn(line, " ");
        if (number == 1) {
            if (!first_line(line)) {
                return false;
            }
            continue;
        }
        if (!*line || *line == '#') {
            continue;
        }
        fields_parse(&r.f, line);
        if (!r.f.error[0]) {
            read_line(&r);
        }
        if (r.f.error[0]) {
            return complain(number, r.f.error);
        }
    }
    const char *missing = !number             ? FIRST_LINE
                          : !r.run            ? "run"
                          : !r.measure        ? "measure"
                          : !p->build_count   ? "build"
                          : !p->variant_count ? "variant"
                          : !p->layer_count   ? "layer"
                          : !p->job_count     ? "job"
                                              : NULL;
    if (missing) {
        char reason[64];
        snprintf(reason, sizeof reason, "the plan ends without a '%s' line", missing);
        return complain(number + 1, reason);
    }
    return true;
}
