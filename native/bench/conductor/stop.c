/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/stop.h"

#include "machine/timer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>

static volatile sig_atomic_t caught;
static uint64_t deadline;
static sigset_t before;

static void handle(int number) {
    caught = number;
}

/* The signals stay blocked except inside ppoll, so none slips in between the look at `caught` and the sleep. */
void stop_arm(double deadline_s) {
    struct sigaction action;
    sigset_t set;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, &before);
    sigdelset(&before, SIGTERM);
    sigdelset(&before, SIGINT);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGHUP, SIG_IGN); /* the adb shell that started us may go away */
    signal(SIGPIPE, SIG_IGN);
    deadline = timer_ns() + (uint64_t)(deadline_s * 1e9);
}

void stop_unblock(void) {
    sigprocmask(SIG_SETMASK, &before, NULL);
}

stop_reason stop_now(void) {
    sigset_t pending;
    if (caught || (!sigpending(&pending) && (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT)))) {
        return STOP_SIGNAL;
    }
    return deadline && timer_ns() >= deadline ? STOP_DEADLINE : STOP_NOT;
}

/* As ppoll, which macOS lacks; fd below 0: none. */
static int wait_once(int fd, short what, const struct timespec *most) {
#if defined(__APPLE__)
    fd_set set;
    FD_ZERO(&set);
    if (fd >= FD_SETSIZE) {
        errno = EINVAL;
        return -1;
    }
    if (fd >= 0) {
        FD_SET(fd, &set);
    }
    return pselect(fd + 1, what == POLLIN ? &set : NULL, what == POLLOUT ? &set : NULL, NULL, most, &before);
#else
    struct pollfd wait = {fd, what, 0};
    return ppoll(&wait, fd >= 0, most, &before);
#endif
}

static bool wait_for(int fd, short what, uint64_t until) {
    while (!stop_now()) {
        uint64_t now = timer_ns(), end = deadline && deadline < until ? deadline : until;
        uint64_t left = end > now ? end - now : 0;
        struct timespec t = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
        int n = wait_once(fd, what, &t);
        if (n > 0) {
            return true;
        }
        if (n == 0 && timer_ns() >= until) {
            return false;
        }
        if (n < 0 && errno != EINTR) {
            return false;
        }
    }
    return false;
}

bool stop_wait(int fd, uint64_t until) {
    return wait_for(fd, POLLIN, until);
}

bool stop_wait_room(int fd) {
    struct pollfd at_once = {fd, POLLOUT, 0};
    return poll(&at_once, 1, 0) > 0 || wait_for(fd, POLLOUT, UINT64_MAX);
}
