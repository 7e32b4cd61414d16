/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what the phone says of its CPUs: affinity FIRST CPUS are tried one by one. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int current(void) {
    unsigned cpu = 999;
    return syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 ? (int)cpu : -errno;
}

static int allowed(pid_t pid) {
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(pid, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -errno;
}

static void *in_thread(void *unused) {
    (void)unused;
    printf("thread allowed=%d cpu=%d\n", allowed(0), current());
    return NULL;
}

int main(int argc, char **argv) {
    printf("start allowed=%d\n", allowed(0));
    for (int i = 1; i < argc; i++) {
        int cpu = atoi(argv[i]);
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        int result = sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
        printf("set %d errno=%s cpu=%d allowed=%d\n", cpu, result == EINVAL ? "EINVAL" : result ? "other" : "0", current(),
               allowed(0));
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, in_thread, NULL) == 0) {
        pthread_join(thread, NULL);
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        printf("child allowed=%d parent=%d init=%d\n", allowed(0), allowed(getppid()), allowed(1));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return 0;
}
