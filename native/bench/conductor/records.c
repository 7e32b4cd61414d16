/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/records.h"

#include "conductor/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool records_open(records *r, const char *path) {
    memset(r, 0, sizeof *r);
    r->fd = STDOUT_FILENO;
    r->path = path ? path : "the standard output";
    if (!path) {
        return true;
    }
    struct stat status;
    r->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0644);
    if (r->fd < 0 || fstat(r->fd, &status)) {
        fprintf(stderr, "convbench: cannot open %s: %s\n", path, strerror(errno));
        return false;
    }
    if (!S_ISREG(status.st_mode)) { /* a pipe that nobody empties would hold the run past its deadline */
        fprintf(stderr, "convbench: %s is no regular file; --out takes one, or a name where there is none yet\n", path);
        return false;
    }
    char last = '\n';
    off_t end = lseek(r->fd, 0, SEEK_END);
    if (end > 0 && pread(r->fd, &last, 1, end - 1) == 1 && last != '\n' && write(r->fd, "\n", 1) != 1) {
        return false; /* an earlier run was killed in mid-line: its tail must not swallow our header */
    }
    return true;
}

json *record_begin(records *r, const char *type) {
    json_reset(&r->line);
    json_open(&r->line, NULL, '{');
    json_text(&r->line, "type", type);
    json_size(&r->line, "seq", r->seq++);
    return &r->line;
}

void record_end(records *r) {
    json_close(&r->line, '}');
    r->line.text[r->line.length++] = '\n'; /* in place of the final NUL: the buffer always has room for it */
    off_t start = lseek(r->fd, 0, SEEK_END);
    ssize_t n;
    if (start < 0 && !stop_wait_room(r->fd)) { /* a pipe, and it stayed full until the end of the run */
        fprintf(stderr, "convbench: nobody reads %s; stopped\n", r->path);
        exit(3);
    }
    do {
        n = write(r->fd, r->line.text, r->line.length);
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t)r->line.length) {
        return;
    }
    int why = n < 0 ? errno : ENOSPC;
    if (n > 0 && start >= 0 && ftruncate(r->fd, start)) {
        why = errno;
    }
    fprintf(stderr, "convbench: cannot write a record to %s: %s; stopped, what was written before is whole\n", r->path,
            strerror(why));
    exit(3);
}
