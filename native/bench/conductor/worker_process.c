/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/worker_process.h"

#include "conductor/stop.h"
#include "machine/process.h"
#include "machine/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKER_NICE -10
#define ENDING_TRIES 100
#define ENDING_TRY_NS 10000000
#define BUSY_LIMIT_NS (UINT64_C(3600) * 1000000000)

/* In the child: the first request is answered with the reason why there is nobody to answer it. */
static void answer_failed(const char *exe) {
    char reason[160], text[FIELDS_ENCODED(sizeof reason)], c = 0;
    snprintf(reason, sizeof reason, "cannot start %.100s: %s", exe, strerror(errno));
    while (c != '\n' && read(PROTOCOL_FD, &c, 1) == 1) {
    }
    lines_put(PROTOCOL_FD, "failed reason=%s", fields_encode(reason, text, sizeof text));
}

/* As far as the system allows. Ten times the share of a usual process, and ahead of it when both wake: more would keep
 * the device's own daemons, adbd among them, from a CPU that is its only one. Real-time classes would too, and the
 * kernel takes 5 % of each second from those, which is a gap of 50 ms. */
static void raise_priority(void) {
    const int now = getpriority(PRIO_PROCESS, 0);
    for (int nice = WORKER_NICE; nice < now && setpriority(PRIO_PROCESS, 0, nice); nice++) {
    }
}

static void become_worker(const char *exe, const char *command, const cpu_set *cpus, int fd, pid_t conductor) {
    process_end_with_parent();
    if (getppid() != conductor) {
        _exit(1); /* it died before we asked to die with it */
    }
    stop_unblock();
    signal(SIGPIPE, SIG_DFL);
    if (!strcmp(command, WORKER_COMMAND)) {
        raise_priority();
    }
    int null = open("/dev/null", O_RDONLY);
    if (cpus) { /* before it runs: thread pools are made by what is allowed then */
        setpgid(0, 0);
        affinity_set(cpus);
    }
    if (fd == PROTOCOL_FD) {
        fcntl(fd, F_SETFD, 0);
    } else {
        dup2(fd, PROTOCOL_FD);
    }
    dup2(null, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO); /* what it prints is no part of our records */
    const char *program = *exe ? exe : process_program();
    execl(program, program, command, (char *)NULL);
    answer_failed(program);
    _exit(126);
}

bool worker_process_start(worker_process *w, const char *exe, const char *command, const cpu_set *cpus, answer *a) {
    int ends[2];
    pid_t self = getpid();
    if (!process_sockets(ends)) {
        a->external = true;
        snprintf(a->reason, sizeof a->reason, "socketpair: %s", strerror(errno));
        return false;
    }
    /* At PROTOCOL_FD itself the conductor's end would be overwritten in the child, which is what is wanted there. */
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(exe, command, cpus, ends[1], self);
    }
    close(ends[1]);
    if (pid < 0) {
        a->external = true;
        snprintf(a->reason, sizeof a->reason, "fork: %s", strerror(errno));
        close(ends[0]);
        return false;
    }
    w->alone = cpus && (!setpgid(pid, pid) || errno == EACCES); /* EACCES: it runs already, and did so itself */
    w->pid = pid;
    w->in.fd = ends[0];
    w->in.have = 0;
    w->layer = -1;
    w->last_ns = 0;
    return true;
}

bool worker_process_nice(const worker_process *w, int *nice) {
    errno = 0;
    *nice = getpriority(PRIO_PROCESS, (id_t)w->pid);
    return errno == 0;
}

static int reap(worker_process *w) {
    int status = 0;
    kill(w->alone ? -w->pid : w->pid, SIGKILL); /* not yet waited for, so the number is still its own */
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR) {
    }
    close(w->in.fd);
    w->pid = 0;
    return status;
}

/* Whether it ends by itself now that it has hung up, so that what ended it is not our own signal. */
static bool ended(const worker_process *w) {
    siginfo_t info;
    for (unsigned i = 0; i < ENDING_TRIES; i++) {
        info.si_pid = 0;
        if (!waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid) {
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = ENDING_TRY_NS}, NULL);
    }
    return false;
}

void worker_process_stop(worker_process *w) {
    if (w->pid) {
        reap(w);
    }
}

static bool lost(worker_process *w, answer *a, ask_status why, double timeout_s) {
    bool by_itself = why == ASK_DIED && ended(w);
    int status = reap(w);
    a->status = why;
    if (why == ASK_DIED && !by_itself) {
        snprintf(a->reason, sizeof a->reason, "the worker closed its connection, and ran on");
    } else if (why == ASK_SILENT) {
        snprintf(a->reason, sizeof a->reason, "timed out: no answer for %g s", timeout_s);
    } else if (why == ASK_STOPPED) {
        snprintf(a->reason, sizeof a->reason, "stopped");
    } else if (WIFSIGNALED(status)) {
        a->signal = WTERMSIG(status);
        a->external = a->signal == SIGKILL || a->signal == SIGTERM;
        snprintf(a->reason, sizeof a->reason, "the worker was killed by signal %d (%s)", a->signal,
                 strsignal(a->signal));
    } else {
        snprintf(a->reason, sizeof a->reason, "the worker ended with status %d", WEXITSTATUS(status));
    }
    return false;
}

/* The line's beginning, fit for a message. */
static void keep_said(answer *a, const char *line, size_t length) {
    size_t n = length < sizeof a->said - 1 ? length : sizeof a->said - 1;
    for (size_t i = 0; i < n; i++) {
        a->said[i] = line[i] >= ' ' && line[i] <= '~' ? line[i] : '?';
    }
    a->said[n] = 0;
}

bool worker_process_ask(worker_process *w, answer *a, double timeout_s, const char *request) {
    a->status = ASK_ANSWERED;
    a->signal = 0;
    a->external = false;
    a->reason[0] = a->said[0] = 0;
    if (!lines_put(w->in.fd, "%s", request)) {
        return lost(w, a, ASK_DIED, timeout_s);
    }
    uint64_t timeout = (uint64_t)(timeout_s * 1e9), until = timer_ns() + timeout;
    for (;;) {
        int got = 0;
        /* A line may already be in the buffer behind a `busy`. */
        if (!memchr(w->in.text, '\n', w->in.have) && !stop_wait(w->in.fd, until)) {
            return lost(w, a, stop_now() ? ASK_STOPPED : ASK_SILENT, timeout_s);
        }
        got = lines_get(&w->in, a->line, false);
        if (got < 0 && w->in.have == sizeof w->in.text) {
            keep_said(a, w->in.text, w->in.have);
            lost(w, a, ASK_DIED, timeout_s);
            snprintf(a->reason, sizeof a->reason, "a line of over %d bytes: '%s'", PROTOCOL_LINE - 1, a->said);
            a->external = false;
            return false;
        }
        if (got < 0) {
            return lost(w, a, ASK_DIED, timeout_s);
        }
        if (got == 0) {
            continue;
        }
        keep_said(a, a->line, strlen(a->line));
        if (strncmp(a->line, "busy", 4) || (a->line[4] && a->line[4] != ' ')) {
            break;
        }
        fields_parse(&a->reply, a->line);
        uint64_t more = fields_has(&a->reply, "ns") ? fields_u64(&a->reply, "ns", 0, BUSY_LIMIT_NS) : 0;
        fields_end(&a->reply);
        if (a->reply.error[0]) {
            break; /* an answer that makes no sense */
        }
        until = timer_ns() + timeout + more;
    }
    w->last_ns = timer_ns();
    if (strncmp(a->line, "busy", 4)) {
        fields_parse(&a->reply, a->line);
    }
    return true;
}
