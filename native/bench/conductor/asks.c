/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/asks.h"

#include "conductor/printed.h"
#include "conductor/stop.h"
#include "machine/timer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_NS UINT64_C(2000000000)
#define MOST_FAILURES 2 /* in a row */
#define MOST_WORDS 16
#define LINE 96       /* of one that is kept */
#define SPARING 100.0 /* times what asking took pass before the next time */

typedef struct {
    const char *prefix[MOST_WORDS];
    char line[MOST_WORDS][LINE];
    unsigned count;
} kept;

/* The words of a list with commas, in a copy that stays. */
static unsigned split(const char *list, const char *words[MOST_WORDS]) {
    unsigned count = 0;
    char *copy = strdup(list);
    if (!copy) {
        fputs("convbench: out of memory\n", stderr);
        exit(3);
    }
    for (char *word = strtok(copy, ","); word && count < MOST_WORDS - 1; word = strtok(NULL, ",")) {
        words[count++] = word;
    }
    words[count] = NULL;
    return count;
}

static void keep_line(void *to, char *line) {
    kept *k = to;
    line += strspn(line, " \t");
    line[strcspn(line, "\r")] = 0;
    for (unsigned i = 0; i < k->count; i++) {
        if (!k->line[i][0] && !strncmp(line, k->prefix[i], strlen(k->prefix[i]))) {
            snprintf(k->line[i], LINE, "%.*s", LINE - 1, line);
            return;
        }
    }
}

/* What is remembered of an ask. */
typedef struct {
    const char *argv[MOST_WORDS];
    kept kept;
    char why[96];
    unsigned failures;
} asked;

static asked *memory_of(const plan *p, unsigned ask) {
    static asked *memory;
    if (!memory) {
        memory = calloc(p->ask_count, sizeof *memory);
        for (unsigned i = 0; memory && i < p->ask_count; i++) {
            split(p->asks[i].argv, memory[i].argv);
            memory[i].kept.count = split(p->asks[i].keep, memory[i].kept.prefix);
        }
    }
    if (!memory) {
        fputs("convbench: out of memory\n", stderr);
        exit(3);
    }
    return &memory[ask];
}

static void ask(asked *a) {
    if (a->failures >= MOST_FAILURES) {
        return; /* why it was the last time */
    }
    memset(a->kept.line, 0, sizeof a->kept.line);
    a->why[0] = 0;
    char *argv[MOST_WORDS];
    memcpy(argv, a->argv, sizeof argv);
    bool fine = printed_by(argv, timer_ns() + ANSWER_NS, keep_line, &a->kept, a->why, sizeof a->why);
    bool any = false;
    for (unsigned i = 0; i < a->kept.count; i++) {
        any |= a->kept.line[i][0];
    }
    if (fine && !any) {
        snprintf(a->why, sizeof a->why, "it says nothing of what is asked");
    }
    a->failures = a->why[0] ? a->failures + 1 : 0;
}

static void write_answers(const plan *p, json *j) {
    json_open(j, "said", '{');
    for (unsigned i = 0; i < p->ask_count; i++) {
        const asked *a = memory_of(p, i);
        if (a->why[0]) {
            json_number(j, p->asks[i].name, (double)NAN);
            continue;
        }
        json_open(j, p->asks[i].name, '[');
        for (unsigned k = 0; k < a->kept.count; k++) {
            if (a->kept.line[k][0]) {
                json_text(j, NULL, a->kept.line[k]);
            }
        }
        json_close(j, ']');
    }
    json_close(j, '}');
    json_open(j, "why", '{');
    for (unsigned i = 0; i < p->ask_count; i++) {
        if (memory_of(p, i)->why[0]) {
            json_text(j, p->asks[i].name, memory_of(p, i)->why);
        }
    }
    json_close(j, '}');
}

void asks_run(const plan *p, records *out, unsigned launch, bool due) {
    static uint64_t next;
    uint64_t now = timer_ns();
    if (!p->ask_count || stop_now() || (due && now < next)) {
        return;
    }
    double every_s = INFINITY;
    for (unsigned i = 0; i < p->ask_count; i++) {
        ask(memory_of(p, i));
        every_s = fmin(every_s, p->asks[i].every_s);
    }
    uint64_t took = timer_ns() - now;
    next = now + took + (uint64_t)fmax(every_s * 1e9, SPARING * (double)took);
    json *j = record_begin(out, "state");
    json_int(j, "launch", launch);
    json_size(j, "t_ns", now);
    json_size(j, "took_ns", took);
    write_answers(p, j);
    record_end(out);
}
