/* SPDX-License-Identifier: Apache-2.0
 * Threads that wait for work, and their caller for them: first awake, then asleep. */
#ifndef IC_POOL_H
#define IC_POOL_H

#include "indirectconv.h"

/* Calls work(context, thread) once on each thread, the caller being thread 0, and returns when all have returned.
 * Without a pool, or in a process forked since it was made: once. All have the caller's floating-point mode meanwhile.
 */
void ic_pool_run(ic_pool *pool, void (*work)(void *context, unsigned thread), void *context);

/* How often its threads were called together, modulo 2^32. */
unsigned ic_pool_rounds(const ic_pool *pool);

/* 1 without a pool. */
unsigned ic_pool_threads(const ic_pool *pool);

#endif
