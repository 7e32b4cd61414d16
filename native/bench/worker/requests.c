/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/requests.h"

#include "wire/lines.h"
#include "worker/heartbeat.h"

#include <signal.h>
#include <sys/prctl.h>

void requests_begin(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
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
