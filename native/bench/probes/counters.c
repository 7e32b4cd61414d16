/* SPDX-License-Identifier: Apache-2.0 */
#include "probes/counters.h"

const char *counter_word(counter_error error) {
    static const char *const words[] = {
#define COUNTER_ERROR(name, word) word,
#include "wire/counter_errors.inc.h"
#undef COUNTER_ERROR
    };
    return words[error];
}

void counters_close(counters *c) {
    for (unsigned i = COUNTER_EVENTS; i-- > 0;) { /* the group's leader last */
        if (c->fd[i] >= 0) {
            c->system->close(c->fd[i]);
        }
        c->fd[i] = -1;
    }
    c->open = 0;
}

counter_reading counters_read(const counters *c) {
    counter_reading r = {.error = c->error};
    uint64_t raw[3 + COUNTER_EVENTS]; /* how many, time enabled, time running, the values */
    if (r.error != COUNTER_OK) {
        return r;
    }
    size_t bytes = (3 + c->open) * sizeof *raw;
    ssize_t got = c->system->read(c->fd[COUNTER_CYCLES], raw, sizeof raw);
    if (got < 0 || (size_t)got != bytes || raw[0] != c->open) { /* 0 bytes: the group is in a state of error */
        r.error = COUNTER_UNREADABLE;
        return r;
    }
    r.enabled_ns = raw[1];
    r.running_ns = raw[2];
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        r.value[i] = c->fd[i] >= 0 ? raw[3 + c->place[i]] : 0;
    }
    return r;
}

static counter_error judge(const counters *c, const counter_reading *before, const counter_reading *after) {
    if (before->error != COUNTER_OK || after->error != COUNTER_OK) {
        return before->error != COUNTER_OK ? before->error : after->error;
    }
    if (after->enabled_ns < before->enabled_ns || after->running_ns < before->running_ns) {
        return COUNTER_UNREADABLE;
    }
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        if (after->value[i] < before->value[i]) {
            return COUNTER_UNREADABLE;
        }
    }
    if (after->running_ns - before->running_ns < after->enabled_ns - before->enabled_ns) {
        return COUNTER_SHARED;
    }
    bool counted = true;
    for (unsigned i = 0; i < COUNTER_REFILLS; i++) { /* a layer may well live in the cache */
        counted = counted && (c->fd[i] < 0 || after->value[i] > before->value[i]);
    }
    return counted ? COUNTER_OK : COUNTER_ZERO;
}

counter_counts counters_between(const counters *c, const counter_reading *before, const counter_reading *after) {
    counter_counts counts = {.error = judge(c, before, after)};
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        bool known = counts.error == COUNTER_OK && c->fd[i] >= 0;
        counts.value[i] = known ? (double)(after->value[i] - before->value[i]) : -1;
    }
    return counts;
}
