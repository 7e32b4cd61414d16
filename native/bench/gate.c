/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include "stop.h"
#include "sysfile.h"
#include "timer.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HISTORY 256
#define DUMPSYS_NS UINT64_C(5000000000)

/* `dumpsys battery` prints "  temperature: 312", in tenths of a degree. */
static bool read_battery(double *value) {
    int ends[2];
    char text[8192];
    size_t n = 0;
    if (pipe2(ends, O_CLOEXEC))
        return false;
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
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(ends[0]);
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    text[n] = 0;
    const char *at = strstr(text, "\n  temperature:");
    if (!at)
        return false;
    char *end;
    at += strlen("\n  temperature:");
    *value = strtod(at, &end) / 10;
    return end != at;
}

static bool read_source(const plan_gate *g, double *value) {
    return g->kind == GATE_BATTERY ? read_battery(value)
                                   : g->kind == GATE_FILE && sysfile_number(g->path, g->scale, value);
}

/* Readings of the last window_s, for a device whose cool temperature is not known. */
typedef struct {
    double value[HISTORY];
    uint64_t at[HISTORY];
    unsigned count;
} history;

static bool steady(history *h, const plan_gate *g, double value, uint64_t now, uint64_t start) {
    uint64_t window = (uint64_t)(g->window_s * 1e9);
    if (h->count < HISTORY) {
        h->value[h->count] = value;
        h->at[h->count++] = now;
    }
    unsigned keep = 0;
    while (keep < h->count && h->at[keep] + window < now)
        keep++;
    memmove(h->value, h->value + keep, (h->count - keep) * sizeof *h->value);
    memmove(h->at, h->at + keep, (h->count - keep) * sizeof *h->at);
    h->count -= keep;
    double low = value, high = value;
    for (unsigned i = 0; i < h->count; i++) {
        low = fmin(low, h->value[i]);
        high = fmax(high, h->value[i]);
    }
    return now - start >= window && high - low < g->slope_c;
}

typedef enum { PASSED, CAPPED, UNJUDGED, UNAVAILABLE, STOPPED } verdict;

static void emit(const plan_gate *g, records *out, unsigned launch, verdict v, double from, double to,
                 double waited_s) {
    static const char *const names[] = {"passed", "capped", "unjudged", "unavailable", "stopped"};
    json *j = record_begin(out, "gate");
    json_int(j, "launch", launch);
    json_text(j, "status", names[v]);
    json_text(j, "source", g->source);
    json_number(j, "from", from);
    json_number(j, "to", to);
    json_number(j, "baseline", g->baseline_c);
    json_number(j, "waited_s", waited_s);
    json_bool(j, "capped", v == CAPPED);
    json_number(j, "cap_s", g->cap_s);
    json_number(j, "window_s", g->window_s);
    record_end(out);
}

void gate_wait(const plan_gate *g, records *out, unsigned launch) {
    history seen = {.count = 0};
    double first = (double)NAN, last = (double)NAN;
    verdict v = UNAVAILABLE;
    uint64_t start = timer_ns(), cap = start + (uint64_t)(g->cap_s * 1e9);
    /* dumpsys wakes the system server, so ask it seldom; never so often that a window overflows its history. */
    double step = fmax(g->kind == GATE_BATTERY ? 2.0 : 0.25, g->window_s / (HISTORY - 8));
    bool known = !isnan(g->baseline_c), readable = read_source(g, &last);
    double low = last, high = last;
    first = last;
    while (readable) {
        uint64_t now = timer_ns();
        low = fmin(low, last);
        high = fmax(high, last);
        if (known ? last <= g->baseline_c + g->tolerance_c : steady(&seen, g, last, now, start)) {
            v = PASSED;
            break;
        }
        if (stop_now())
            break;
        if (now >= cap) {
            /* Without a baseline a cap below the window leaves two things to say: it moved, or nobody knows. */
            v = known || g->cap_s >= g->window_s || high - low >= g->slope_c ? CAPPED : UNJUDGED;
            break;
        }
        uint64_t next = now + (uint64_t)(step * 1e9);
        stop_wait(-1, next < cap ? next : cap);
        double value;
        if (read_source(g, &value))
            last = value;
        else if (!stop_now())
            readable = false;
    }
    if (v == UNAVAILABLE && g->kind != GATE_NONE && stop_now())
        v = STOPPED;
    emit(g, out, launch, v, first, last, (double)(timer_ns() - start) / 1e9);
}
