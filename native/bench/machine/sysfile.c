/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/sysfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 1e15 /* what a file of the system counts is less */

bool sysfile_text(const char *path, char *text, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, text, room - 1);
    close(fd);
    if (n <= 0) {
        return false;
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' ')) {
        n--;
    }
    text[n] = 0;
    return n > 0;
}

bool is_celsius(double value) {
    return value >= SYSFILE_LOWEST_C && value <= SYSFILE_HIGHEST_C;
}

bool sysfile_celsius(const char *path, double scale, double *value) {
    return sysfile_number(path, scale, value) && is_celsius(*value);
}

bool sysfile_number(const char *path, double scale, double *value) {
    char why[SYSFILE_WHY];
    return sysfile_reading(path, scale, -INFINITY, INFINITY, value, why, sizeof why);
}

void sysfile_shown(const char *text, char *shown, size_t room) {
    size_t n = 0;
    for (; n + 1 < room && text[n] && text[n] != '\n'; n++) {
        bool plain = isprint((unsigned char)text[n]) && (unsigned char)text[n] < 0x80;
        shown[n] = plain ? text[n] : '?';
    }
    shown[n] = 0;
}

bool sysfile_reading(const char *path, double scale, double low, double high, double *value, char *why, size_t room) {
    char text[64], shown[24], *end;
    errno = 0;
    if (!sysfile_text(path, text, sizeof text)) {
        snprintf(why, room, "%s", errno ? strerror(errno) : "it is empty");
        return false;
    }
    sysfile_shown(text, shown, sizeof shown);
    double raw = strtod(text, &end);
    if (end == text || *end || isspace((unsigned char)text[0]) || strpbrk(text, "xXnN") || !(fabs(raw) <= MOST)) {
        snprintf(why, room, "no number: '%s'", shown);
        return false;
    }
    *value = raw * scale;
    if (!(*value >= low && *value <= high)) {
        snprintf(why, room, "cannot be: %s", shown);
        return false;
    }
    return true;
}
