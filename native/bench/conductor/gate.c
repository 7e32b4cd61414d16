/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/gate.h"

#include "conductor/stop.h"
#include "machine/sysfile.h"
#include "machine/timer.h"
#include "probes/median.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HISTORY 256
#define READ_TRIES 3 /* readings in a row that fail, over FAILING_NS at least: there is no source */
#define FAILING_NS UINT64_C(1000000000)
#define AGAIN 3 /* tries of a reading, AGAIN_NS apart: a zone that is being written to fails for a moment */
#define AGAIN_NS UINT64_C(50000000)
#define STEP_C 10    /* between two readings: one of them is wrong, ... */
#define STEP_STAYS 4 /* ... the earlier one where so many in a row agree with the later one */
#define DUMPSYS_NS UINT64_C(5000000000)

/* `dumpsys battery` prints "  temperature: 312", in tenths of a degree. */
static bool read_battery(double *value) {
    int ends[2];
    char text[8192];
    size_t n = 0;
    if (pipe2(ends, O_CLOEXEC)) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        stop_unblock();
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        char *const argv[] = {"dumpsys", "battery", NULL};
        execvp(argv[0], argv);
        _exit(127);
    }
    close(ends[1]);
    uint64_t until = timer_ns() + DUMPSYS_NS;
    while (pid > 0 && n + 1 < sizeof text && stop_wait(ends[0], until)) {
        ssize_t got = read(ends[0], text + n, sizeof text - 1 - n);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    close(ends[0]);
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    text[n] = 0;
    const char *at = strstr(text, "\n  temperature:");
    if (!at) {
        return false;
    }
    char *end;
    at += strlen("\n  temperature:");
    *value = strtod(at, &end) / 10;
    return end != at;
}

/* What cannot be read, or is no temperature, is read again before it counts as a reading that failed. */
static bool read_source(const plan_gate *g, double *value) {
    if (g->kind == GATE_BATTERY) {
        return read_battery(value) && is_celsius(*value);
    }
    for (unsigned i = 0; g->kind == GATE_FILE && i < AGAIN && !stop_now(); i++) {
        if (i) {
            stop_wait(-1, timer_ns() + AGAIN_NS);
        }
        if (sysfile_celsius(g->path, g->scale, value)) {
            return true;
        }
    }
    return false;
}

/* A temperature that is far from the ones before: believed when it stays. */
typedef struct {
    double value;
    unsigned count;
} step;

/* Whether a reading can be believed after `last` (NaN: there was none). */
static bool follows(step *far, double value, double last) {
    if (isnan(last) || fabs(value - last) <= STEP_C) {
        far->count = 0;
        return true;
    }
    far->count = far->count && fabs(value - far->value) <= STEP_C ? far->count + 1 : 1;
    far->value = value;
    if (far->count < STEP_STAYS) {
        return false;
    }
    far->count = 0;
    return true;
}

/* Whether a zone says so for longer than one lies that is read while it is written to. */
static bool stays_below(const plan_gate *g, double limit) {
    double value;
    for (unsigned i = 0; g->kind == GATE_FILE && i < AGAIN; i++) {
        stop_wait(-1, timer_ns() + AGAIN_NS);
        if (!sysfile_celsius(g->path, g->scale, &value) || value > limit) {
            return false;
        }
    }
    return true;
}

/* The last readings, oldest first. */
typedef struct {
    double value[HISTORY];
    uint64_t at[HISTORY];
    unsigned count;
} history;

static void keep(history *h, double value, uint64_t now, uint64_t oldest) {
    unsigned past = h->count == HISTORY;
    while (past < h->count && h->at[past] < oldest) {
        past++;
    }
    h->count -= past;
    memmove(h->value, h->value + past, h->count * sizeof *h->value);
    memmove(h->at, h->at + past, h->count * sizeof *h->at);
    h->value[h->count] = value;
    h->at[h->count++] = now;
}

/* How far the temperature fell from the earlier to the later half of that time, by the medians: a single reading
 * decides nothing. `rest`: the later one. */
static double fallen(const history *h, uint64_t from, uint64_t now, double *rest) {
    double half[HISTORY];
    unsigned early = 0;
    while (early + 1 < h->count && h->at[early] < from + (now - from) / 2) {
        early++;
    }
    memcpy(half, h->value + early, (h->count - early) * sizeof *half);
    *rest = median(half, h->count - early);
    if (!early) {
        return 0;
    }
    memcpy(half, h->value, early * sizeof *half);
    return median(half, early) - *rest;
}

typedef enum { PASSED, CAPPED, UNJUDGED, UNAVAILABLE, STOPPED } verdict;

typedef struct {
    verdict verdict;
    double from, to, plateau, learned, waited_s;
} outcome;

static void emit(const plan_gate *g, records *out, unsigned launch, const outcome *o) {
    static const char *const names[] = {"passed", "capped", "unjudged", "unavailable", "stopped"};
    json *j = record_begin(out, "gate");
    json_int(j, "launch", launch);
    json_text(j, "status", names[o->verdict]);
    json_text(j, "source", g->source);
    json_number(j, "from", o->from);
    json_number(j, "to", o->to);
    json_number(j, "plateau", o->plateau);
    json_number(j, "learned", o->learned);
    json_number(j, "baseline", g->baseline_c);
    json_number(j, "tolerance_c", g->tolerance_c);
    json_number(j, "waited_s", o->waited_s);
    json_bool(j, "capped", o->verdict == CAPPED);
    json_number(j, "cap_s", g->cap_s);
    json_number(j, "window_s", g->window_s);
    record_end(out);
}

void gate_wait(const plan_gate *g, double *plateau, records *out, unsigned launch) {
    history seen = {.count = 0};
    double last = (double)NAN, rest = (double)NAN, limit = *plateau + g->tolerance_c;
    uint64_t start = timer_ns(), cap = start + (uint64_t)(g->cap_s * 1e9), window = (uint64_t)(g->window_s * 1e9);
    /* dumpsys wakes the system server, so ask it seldom; never so often that a window overflows its history. */
    double pause_s = fmax(g->kind == GATE_BATTERY ? 2.0 : 0.25, g->window_s / (HISTORY - 8));
    bool learning = isnan(*plateau), stands = false, whole = false;
    outcome o = {.verdict = UNAVAILABLE, .from = last, .to = last, .plateau = *plateau, .learned = (double)NAN};
    step far = {.count = 0};
    uint64_t answered = start;
    for (unsigned failures = 0; g->kind != GATE_NONE;) {
        double value, before = o.to;
        bool got = read_source(g, &value);
        uint64_t now = timer_ns(), from = now - start > window ? now - window : start;
        failures = got ? 0 : failures + 1;
        answered = got ? now : answered;
        if (failures >= READ_TRIES && now - answered >= FAILING_NS) {
            break;
        }
        got = got && follows(&far, value, last);
        if (got) {
            o.to = last = value;
            o.from = seen.count ? o.from : last;
            keep(&seen, last, now, from);
            stands = fallen(&seen, from, now, &rest) < g->slope_c;
            whole = now - start >= window;
            if (learning ? stands && whole : last <= limit && before <= limit && stays_below(g, limit)) {
                o.verdict = PASSED;
            }
        }
        if (o.verdict != PASSED && now >= cap && seen.count) {
            if (!learning && got && last <= limit && stays_below(g, limit)) {
                o.verdict = PASSED; /* there was no time for a second reading */
            } else {
                o.verdict = learning && stands ? UNJUDGED : CAPPED;
            }
        }
        /* Where the device came to rest elsewhere than before, one gate has said so; the next ones need not wait. */
        if (o.verdict != UNAVAILABLE) {
            o.learned = stands && (learning || (o.verdict == CAPPED && whole)) ? rest : (double)NAN;
        }
        if (o.verdict != UNAVAILABLE || now >= cap || stop_now()) {
            break;
        }
        uint64_t next = now + (uint64_t)(pause_s * 1e9);
        stop_wait(-1, next < cap ? next : cap);
    }
    if (o.verdict == UNAVAILABLE && g->kind != GATE_NONE && stop_now()) {
        o.verdict = STOPPED;
    }
    if (!isnan(o.learned)) {
        *plateau = o.learned;
    }
    o.waited_s = (double)(timer_ns() - start) / 1e9;
    emit(g, out, launch, &o);
}
