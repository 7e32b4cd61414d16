/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/residency.h"

#include "machine/sysfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_KHZ UINT64_C(100000000)
#define MOST_TICKS (UINT64_C(1) << 53)

/* A whole number and the one character behind it. */
static bool number(const char **text, uint64_t most, char end, uint64_t *value) {
    char *behind;
    if (!isdigit((unsigned char)**text)) {
        return false;
    }
    errno = 0;
    unsigned long long found = strtoull(*text, &behind, 10);
    if (errno || found > most || *behind != end) {
        return false;
    }
    *value = found;
    *text = behind + 1;
    return true;
}

bool residency_parse(residency *r, const char *text, char *why, size_t room) {
    r->count = 0;
    for (const char *line = text; *line;) {
        const char *at = line, *end = strchr(line, '\n');
        if (r->count == RESIDENCY_STATES) {
            snprintf(why, room, "more than %d frequencies", RESIDENCY_STATES);
            return false;
        }
        uint64_t *khz = &r->khz[r->count], *ticks = &r->ticks[r->count];
        if (!number(&at, MOST_KHZ, ' ', khz) || !*khz || !number(&at, MOST_TICKS, end ? '\n' : 0, ticks)) {
            char shown[24];
            sysfile_shown(line, shown, sizeof shown);
            snprintf(why, room, "no frequency and time: '%s'", shown);
            return false;
        }
        for (unsigned i = 0; i < r->count; i++) {
            if (r->khz[i] == *khz) {
                snprintf(why, room, "%llu kHz stands twice", (unsigned long long)*khz);
                return false;
            }
        }
        r->count++;
        line = end ? at : "";
    }
    if (!r->count) {
        snprintf(why, room, "it is empty");
    }
    return r->count;
}

bool residency_read(residency *r, const char *path, char *why, size_t room) {
    char text[8192];
    errno = 0;
    if (!sysfile_text(path, text, sizeof text)) {
        snprintf(why, room, "%s", errno ? strerror(errno) : "it is empty");
        return false;
    }
    return residency_parse(r, text, why, room);
}

bool residency_between(const residency *before, const residency *after, residency *spent, char *why, size_t room) {
    if (before->count != after->count || memcmp(before->khz, after->khz, after->count * sizeof *after->khz)) {
        snprintf(why, room, "it lists other frequencies than before");
        return false;
    }
    *spent = *after;
    for (unsigned i = 0; i < after->count; i++) {
        if (after->ticks[i] < before->ticks[i]) {
            snprintf(why, room, "its times went back");
            return false;
        }
        spent->ticks[i] -= before->ticks[i];
    }
    return true;
}
