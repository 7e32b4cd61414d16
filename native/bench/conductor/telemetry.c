/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/telemetry.h"

#include "machine/residency.h"
#include "machine/sysfile.h"
#include "machine/timer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_NS 100000000
#define LEAST_KHZ 1e4 /* as in harness/store/record_fields.py */
#define MOST_KHZ 1e8

/* What is remembered of a watch. */
typedef struct {
    char why[SYSFILE_WHY], told[SYSFILE_WHY]; /* why it gives nothing; what a record has of that already */
    residency begin, spent;                   /* around the round */
    bool begun;
    double value;
    char text[64];
} watched;

static watched *memory_of(const plan *p, unsigned watch) {
    static watched *memory;
    if (!memory && !(memory = calloc(p->watch_count, sizeof *memory))) {
        fputs("convbench: out of memory\n", stderr);
        exit(3);
    }
    return &memory[watch];
}

static bool has(const plan *p, watch_kind kind) {
    for (unsigned i = 0; i < p->watch_count; i++) {
        if (p->watches[i].kind == kind) {
            return true;
        }
    }
    return false;
}

void telemetry_begin_round(const plan *p) {
    for (unsigned i = 0; i < p->watch_count; i++) {
        if (p->watches[i].kind == WATCH_STATES) {
            watched *m = memory_of(p, i);
            m->begun = residency_read(&m->begin, p->watches[i].path, m->why, sizeof m->why);
        }
    }
}

/* Reads the watch; false: nothing that can be, and m->why tells. */
static bool read_watch(const plan_watch *w, watched *m) {
    residency now;
    bool read = false;
    switch (w->kind) {
    case WATCH_FREQUENCY:
        read = sysfile_reading(w->path, w->scale, LEAST_KHZ, MOST_KHZ, &m->value, m->why, sizeof m->why);
        break;
    case WATCH_TEMPERATURE:
        read =
            sysfile_reading(w->path, w->scale, SYSFILE_LOWEST_C, SYSFILE_HIGHEST_C, &m->value, m->why, sizeof m->why);
        break;
    case WATCH_STATES:
        read = m->begun && residency_read(&now, w->path, m->why, sizeof m->why) &&
               residency_between(&m->begin, &now, &m->spent, m->why, sizeof m->why);
        break;
    case WATCH_TEXT: /* an empty one tells that it cannot be read: what is made of it judges */
        if (!sysfile_text(w->path, m->text, sizeof m->text)) {
            m->text[0] = 0;
        }
        read = true;
        break;
    }
    if (read) {
        m->why[0] = 0;
    }
    return read;
}

static void write_spent(json *j, const char *name, const residency *spent) {
    json_open(j, name, '{');
    for (unsigned i = 0; i < spent->count; i++) {
        char khz[24];
        snprintf(khz, sizeof khz, "%" PRIu64, spent->khz[i]);
        if (spent->ticks[i]) {
            json_size(j, khz, spent->ticks[i] * RESIDENCY_TICK_MS);
        }
    }
    json_close(j, '}');
}

static void write_kind(const plan *p, json *j, const char *key, watch_kind kind) {
    json_open(j, key, '{');
    for (unsigned i = 0; i < p->watch_count; i++) {
        if (p->watches[i].kind == kind) {
            const watched *m = memory_of(p, i);
            if (kind == WATCH_TEXT) {
                json_text(j, p->watches[i].name, m->text);
            } else if (kind == WATCH_STATES && !m->why[0]) {
                write_spent(j, p->watches[i].name, &m->spent);
            } else {
                json_number(j, p->watches[i].name, m->why[0] ? (double)NAN : m->value);
            }
        }
    }
    json_close(j, '}');
}

/* Reasons that are others than those told before; an empty one: it gives readings again. */
static void write_reasons(const plan *p, json *j) {
    bool open = false;
    for (unsigned i = 0; i < p->watch_count; i++) {
        watched *m = memory_of(p, i);
        if (strcmp(m->why, m->told)) {
            if (!open) {
                json_open(j, "why", '{');
            }
            open = true;
            json_text(j, p->watches[i].name, m->why);
            memcpy(m->told, m->why, sizeof m->told);
        }
    }
    if (open) {
        json_close(j, '}');
    }
}

void telemetry_read(const plan *p, records *out, unsigned launch, bool round_ended) {
    static uint64_t last;
    uint64_t now = timer_ns();
    bool frequencies = has(p, WATCH_FREQUENCY), zones = round_ended && has(p, WATCH_TEMPERATURE);
    bool states = round_ended && has(p, WATCH_STATES), texts = round_ended && has(p, WATCH_TEXT);
    if (!(frequencies && (!last || now - last >= PAUSE_NS)) && !zones && !states && !texts) {
        return;
    }
    last = now;
    for (unsigned i = 0; i < p->watch_count; i++) {
        if (p->watches[i].kind == WATCH_FREQUENCY || round_ended) {
            read_watch(&p->watches[i], memory_of(p, i));
        }
    }
    uint64_t took = timer_ns() - now;
    json *j = record_begin(out, "telemetry");
    json_int(j, "launch", launch);
    json_size(j, "t_ns", now);
    json_size(j, "took_ns", took);
    if (frequencies) {
        write_kind(p, j, "freq_khz", WATCH_FREQUENCY);
    }
    if (zones) {
        write_kind(p, j, "temp_c", WATCH_TEMPERATURE);
    }
    if (states) {
        write_kind(p, j, "states_ms", WATCH_STATES);
    }
    if (texts) {
        write_kind(p, j, "power", WATCH_TEXT);
    }
    write_reasons(p, j);
    record_end(out);
}
