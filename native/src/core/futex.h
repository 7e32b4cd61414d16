/* SPDX-License-Identifier: Apache-2.0
 * Sleeping until a number in memory changes, among the threads of one process. */
#ifndef IC_FUTEX_H
#define IC_FUTEX_H

#include <stdatomic.h>

/* Sleeps while *word is `value`, until ic_futex_wake; may return early. */
void ic_futex_wait(atomic_uint *word, unsigned value);
void ic_futex_wake(atomic_uint *word);
/* In a child, right behind fork: whoever slept is not there. */
void ic_futex_forked(void);

#endif
