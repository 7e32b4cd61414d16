/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/lines.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool cut(lines *l, char *line) {
    char *end = memchr(l->text, '\n', l->have);
    if (!end) {
        return false;
    }
    size_t n = (size_t)(end - l->text);
    memcpy(line, l->text, n);
    line[n] = 0;
    l->have -= n + 1;
    memmove(l->text, end + 1, l->have);
    return true;
}

int lines_get(lines *l, char line[PROTOCOL_LINE], bool wait) {
    if (cut(l, line)) {
        return 1;
    }
    do {
        if (l->have == sizeof l->text) {
            return -1;
        }
        ssize_t n = read(l->fd, l->text + l->have, sizeof l->text - l->have);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        l->have += (size_t)n;
        if (cut(l, line)) {
            return 1;
        }
    } while (wait);
    return 0;
}

bool lines_put(int fd, const char *format, ...) {
    char line[PROTOCOL_LINE];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    if (n < 0 || n >= (int)sizeof line - 1) {
        return false;
    }
    line[n++] = '\n';
    for (int sent = 0; sent < n;) {
        ssize_t put = send(fd, line + sent, (size_t)(n - sent), MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        sent += (int)put;
    }
    return true;
}
