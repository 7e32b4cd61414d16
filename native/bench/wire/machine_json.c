/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/machine_json.h"

#include "machine/timer.h"

void machine_json_caches(json *j, const caches *c) {
    json_open(j, "caches", '{');
    json_size(j, "l1d", c->l1d);
    json_size(j, "l2", c->l2);
    json_size(j, "llc", c->llc);
    json_bool(j, "llc_assumed", c->llc_assumed);
    json_bool(j, "llc_capped", c->llc_capped);
    json_close(j, '}');
}

void machine_json_timer(json *j) {
    timer_info t = timer_measure();
    json_open(j, "timer", '{');
    json_text(j, "name", t.name);
    json_number(j, "tick_ns", t.tick_ns);
    json_number(j, "cost_ns", t.cost_ns);
    json_close(j, '}');
}
