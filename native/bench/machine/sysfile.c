/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/sysfile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define LOWEST_C 1 /* as in harness/control/heat.py */
#define HIGHEST_C 130

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
    return value >= LOWEST_C && value <= HIGHEST_C;
}

bool sysfile_celsius(const char *path, double scale, double *value) {
    return sysfile_number(path, scale, value) && is_celsius(*value);
}

bool sysfile_number(const char *path, double scale, double *value) {
    char text[64], *end;
    if (!sysfile_text(path, text, sizeof text)) {
        return false;
    }
    double raw = strtod(text, &end);
    *value = raw * scale;
    return end != text;
}
