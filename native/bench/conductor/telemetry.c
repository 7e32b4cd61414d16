/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/telemetry.h"

#include "machine/sysfile.h"
#include "machine/timer.h"

#include <math.h>

#define OFTEN_NS UINT64_C(100000000)

static unsigned count(const plan *p, watch_kind kind) {
    unsigned found = 0;
    for (unsigned i = 0; i < p->watch_count; i++) {
        found += p->watches[i].kind == kind;
    }
    return found;
}

static void reading(json *j, const plan_watch *w) {
    char text[64];
    double value;
    if (w->kind == WATCH_TEXT) {
        bool read = sysfile_text(w->path, text, sizeof text);
        json_text(j, w->name, read ? text : "");
        return;
    }
    bool read =
        w->kind == WATCH_TEMP ? sysfile_celsius(w->path, w->scale, &value) : sysfile_number(w->path, w->scale, &value);
    json_number(j, w->name, read ? value : (double)NAN);
}

static void readings(const plan *p, json *j, const char *key, watch_kind kind) {
    if (!count(p, kind)) {
        return;
    }
    json_open(j, key, '{');
    for (unsigned i = 0; i < p->watch_count; i++) {
        if (p->watches[i].kind == kind) {
            reading(j, &p->watches[i]);
        }
    }
    json_close(j, '}');
}

void telemetry_read(const plan *p, records *out, unsigned launch, bool round_ended) {
    static uint64_t last;
    uint64_t now = timer_ns();
    bool frequencies = count(p, WATCH_FREQ) && (!last || now - last >= OFTEN_NS);
    bool others = round_ended && count(p, WATCH_TEMP) + count(p, WATCH_TEXT);
    if (!frequencies && !others) {
        return;
    }
    last = now;
    json *j = record_begin(out, "telemetry");
    json_int(j, "launch", launch);
    json_size(j, "t_ns", now);
    readings(p, j, "freq_khz", WATCH_FREQ);
    if (others) {
        readings(p, j, "temp_c", WATCH_TEMP);
        readings(p, j, "power", WATCH_TEXT);
    }
    record_end(out);
}
