/* SPDX-License-Identifier: Apache-2.0
 * A worker's pools of threads, one for each number of threads that an object has. */
#ifndef CONVBENCH_POOLS_H
#define CONVBENCH_POOLS_H

#include "worker/state.h"

/* Sees to a pool of so many threads; one thread needs none. False: ic_last_error says why. */
bool pools_need(worker *w, unsigned threads);

typedef enum {
    POOLS_HELD,  /* each helper is on its CPU and may go nowhere else */
    POOLS_MOVED, /* one was elsewhere or free to go there, as may be the worker (sample.c); now it is pinned again */
    POOLS_LOST   /* it cannot be */
} pools_place;

pools_place pools_pin(const worker *w, unsigned threads);
/* The CPUs of so many threads, as a list: where each of them is once it is held. */
void pools_print(const worker *w, unsigned threads, char *list, size_t room);

#endif
