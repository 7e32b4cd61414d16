/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* syscall */
#include "core/futex.h"

#if defined(__linux__)

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

void ic_futex_wait(atomic_uint *word, unsigned value) {
    const int before = errno; /* of who runs an object: a signal, or a word that has changed, is no error */
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    errno = before;
}

void ic_futex_wake(atomic_uint *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void ic_futex_forked(void) {}

#else /* macOS had no public call of the kind before 14.4; whoever sleeps here is in no hurry */

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void ic_futex_wait(atomic_uint *word, unsigned value) {
    pthread_mutex_lock(&lock);
    if (atomic_load(word) == value) { /* who changes it wakes us behind the same lock */
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

void ic_futex_wake(atomic_uint *word) {
    (void)word;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void ic_futex_forked(void) {
    static const pthread_mutex_t unlocked = PTHREAD_MUTEX_INITIALIZER;
    static const pthread_cond_t unchanged = PTHREAD_COND_INITIALIZER;
    lock = unlocked;
    changed = unchanged;
}

#endif
