/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/requests.h"

#include "machine/process.h"
#include "wire/lines.h"
#include "worker/heartbeat.h"

#include <signal.h>

void requests_begin(void) {
    process_end_with_parent();
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the conductor decides */
}

bool requests_next(fields *f) {
    static lines in = {.fd = PROTOCOL_FD};
    static char line[PROTOCOL_LINE];
    if (lines_get(&in, line, true) <= 0) {
        return false;
    }
    heartbeat_begin();
    fields_parse(f, line);
    return true;
}
