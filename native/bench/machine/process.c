/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/process.h"

#include "machine/sysfile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__APPLE__)

#include <libproc.h>
#include <mach-o/dyld.h>
#include <pthread.h>
#include <sys/event.h>
#include <sys/sysctl.h>

uint64_t process_start(void) {
    struct proc_bsdinfo info;
    const int got = proc_pidinfo(getpid(), PROC_PIDTBSDINFO, 0, &info, (int)sizeof info);
    return got == (int)sizeof info ? info.pbi_start_tvsec : 0;
}

void process_boot_id(char *text, size_t room) {
    if (sysctlbyname("kern.bootsessionuuid", text, &room, NULL, 0)) {
        text[0] = 0;
    }
}

const char *process_program(void) {
    static char path[4096];
    uint32_t room = sizeof path;
    return _NSGetExecutablePath(path, &room) ? "" : path;
}

/* No signal tells a child of its parent's end here: a thread sleeps until then. */
static void *watch(void *parent) {
    struct kevent event;
    EV_SET(&event, *(pid_t *)parent, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    const int queue = kqueue();
    if (queue >= 0 && kevent(queue, &event, 1, &event, 1, NULL) > 0) { /* also where it has ended before */
        kill(getpid(), SIGKILL);
    }
    return NULL;
}

void process_end_with_parent(void) {
    static pid_t parent;
    pthread_t thread;
    parent = getppid();
    if (!pthread_create(&thread, NULL, watch, &parent)) {
        pthread_detach(thread);
    }
}

static bool closed_on_exec(const int ends[2], bool made) {
    return made && !fcntl(ends[0], F_SETFD, FD_CLOEXEC) && !fcntl(ends[1], F_SETFD, FD_CLOEXEC);
}

bool process_pipe(int ends[2]) {
    return closed_on_exec(ends, !pipe(ends));
}

bool process_sockets(int ends[2]) {
    return closed_on_exec(ends, !socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

#else

#include <sys/prctl.h>

uint64_t process_start(void) {
    char text[1024];
    if (!sysfile_text("/proc/self/stat", text, sizeof text)) {
        return 0;
    }
    const char *at = strrchr(text, ')'); /* the name may hold spaces */
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

void process_boot_id(char *text, size_t room) {
    if (!sysfile_text("/proc/sys/kernel/random/boot_id", text, room)) {
        text[0] = 0;
    }
}

const char *process_program(void) {
    return "/proc/self/exe";
}

void process_end_with_parent(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

bool process_pipe(int ends[2]) {
    return !pipe2(ends, O_CLOEXEC);
}

bool process_sockets(int ends[2]) {
    return !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

#endif
