/* SPDX-License-Identifier: Apache-2.0
 * Whole lines over the socket between conductor and worker. */
#ifndef CONVBENCH_LINES_H
#define CONVBENCH_LINES_H

#include "wire/protocol.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int fd;
    size_t have;
    char text[PROTOCOL_LINE];
} lines;

/* 1: a line (without its end) is in `line`; 0: one more read gave no whole line yet; -1: end of file or a fault.
 * `wait`: read until there is a line. */
int lines_get(lines *l, char line[PROTOCOL_LINE], bool wait);
bool lines_put(int fd, const char *format, ...) __attribute__((format(printf, 2, 3))); /* adds the line end */

#endif
