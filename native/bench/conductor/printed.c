/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/printed.h"

#include "conductor/stop.h"
#include "machine/process.h"
#include "machine/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_FOUND 127

static pid_t start(char *const argv[], int output) {
    pid_t pid = fork();
    if (pid) {
        return pid;
    }
    stop_unblock();
    setpgid(0, 0);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execvp(argv[0], argv);
    _exit(NOT_FOUND);
}

typedef struct {
    char text[4096];
    size_t have;
    bool any, cut; /* cut: the rest of a very long line is left out */
} pending;

static void take_lines(pending *p, bool ended, printed_line *take, void *to) {
    char *line = p->text, *end;
    while ((end = memchr(line, '\n', p->have - (size_t)(line - p->text)))) {
        *end = 0;
        if (!p->cut) {
            take(to, line);
        }
        p->cut = false;
        line = end + 1;
    }
    p->have -= (size_t)(line - p->text);
    memmove(p->text, line, p->have);
    if (p->have && (ended || p->have + 1 == sizeof p->text)) {
        p->text[p->have] = 0;
        if (!p->cut) {
            take(to, p->text);
        }
        p->cut = true;
        p->have = 0;
    }
}

bool printed_by(char *const argv[], uint64_t until, printed_line *take, void *to, char *why, size_t room) {
    static pending p;
    int ends[2];
    if (!process_pipe(ends)) {
        snprintf(why, room, "%s", strerror(errno));
        return false;
    }
    pid_t pid = start(argv, ends[1]);
    int failed = errno;
    close(ends[1]);
    memset(&p, 0, sizeof p);
    bool ended = false;
    while (pid > 0 && !ended && timer_ns() < until && stop_wait(ends[0], until)) {
        ssize_t got = read(ends[0], p.text + p.have, sizeof p.text - 1 - p.have);
        ended = got <= 0 && !(got < 0 && errno == EINTR);
        p.have += got > 0 ? (size_t)got : 0;
        p.any |= got > 0;
        take_lines(&p, ended, take, to);
    }
    close(ends[0]);
    if (pid <= 0) {
        snprintf(why, room, "%s", strerror(failed));
        return false;
    }
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL); /* where it had no group of its own yet */
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
        snprintf(why, room, "there is no %.40s", argv[0]);
        return false;
    }
    if (!ended || !p.any) {
        snprintf(why, room, ended ? "it says nothing" : "no answer in time");
        return false;
    }
    return true;
}
