/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/reply.h"

#include "wire/fields.h"
#include "wire/lines.h"

char *reply_text(const char *text) {
    static char turn[8][FIELDS_ENCODED(256)];
    static unsigned next;
    next = (next + 1) % 8;
    return fields_encode(text, turn[next], sizeof turn[next]);
}

bool reply_failed(const char *reason) {
    return lines_put(PROTOCOL_FD, "failed reason=%s", reply_text(reason));
}

bool reply_hindered(const char *reason) {
    return lines_put(PROTOCOL_FD, "failed reason=%s external=1", reply_text(reason));
}

bool reply_skip(const char *reason, size_t bytes) {
    return lines_put(PROTOCOL_FD, "skip reason=%s bytes=%zu", reply_text(reason), bytes);
}
