/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/telemetry.h"

#include "machine/sysfile.h"
#include "machine/timer.h"

#include <math.h>

static void readings(const plan *p, json *j, const char *key, bool temperature) {
    json_open(j, key, '{');
    for (unsigned i = 0; i < p->watch_count; i++) {
        const plan_watch *w = &p->watches[i];
        double value;
        if (w->temperature == temperature) {
            bool read =
                temperature ? sysfile_celsius(w->path, w->scale, &value) : sysfile_number(w->path, w->scale, &value);
            json_number(j, w->name, read ? value : (double)NAN);
        }
    }
    json_close(j, '}');
}

void telemetry_read(const plan *p, records *out, unsigned launch, bool round_ended) {
    static uint64_t last;
    uint64_t now = timer_ns();
    unsigned temperatures = 0;
    for (unsigned i = 0; i < p->watch_count; i++) {
        temperatures += p->watches[i].temperature;
    }
    bool frequencies = temperatures < p->watch_count && (!last || now - last >= 100000000);
    bool zones = round_ended && temperatures;
    if (!frequencies && !zones) {
        return;
    }
    last = now;
    json *j = record_begin(out, "telemetry");
    json_int(j, "launch", launch);
    json_size(j, "t_ns", now);
    if (temperatures < p->watch_count) {
        readings(p, j, "freq_khz", false);
    }
    if (zones) {
        readings(p, j, "temp_c", true);
    }
    record_end(out);
}
