/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pools.h"

#include "core/cpus.h"
#include "core/pool.h"
#include "machine/affinity.h"

#include <stdatomic.h>
#include <string.h>

bool pools_need(worker *w, unsigned threads) {
    const unsigned *cpus = ic_cpus_end() != 0 ? w->cpus : NULL;
    const ic_pool_options options = {.struct_size = sizeof options, .threads = threads, .cpus = cpus};
    return threads == 1 || w->pools[threads] || ic_pool_create(&options, &w->pools[threads]) == IC_OK;
}

typedef struct {
    const unsigned *cpus;
    atomic_bool moved, lost;
} roll_call;

/* On each thread; where the worker's own may run is looked at elsewhere. What the system says of a thread's CPUs is
 * read back, and so is where it runs: there are systems that show a mask and do not keep to it. */
static void answer(void *context, unsigned thread) {
    roll_call *call = context;
    const int cpu = (int)call->cpus[thread];
    cpu_set wanted = {{0}};
    cpu_set_put(&wanted, cpu, true);
    if (thread == 0) {
        return;
    }
    const int runs_on = affinity_here(); /* below 0: the system does not tell */
    const bool may = affinity_is(&wanted);
    if (may && (runs_on < 0 || runs_on == cpu)) {
        return;
    }
    atomic_store(&call->moved, true);
    if (!affinity_set(&wanted)) {
        atomic_store(&call->lost, true);
    }
}

void pools_print(const worker *w, unsigned threads, char *list, size_t room) {
    cpu_set set = {{0}};
    for (unsigned i = 0; i < threads; i++) {
        cpu_set_put(&set, (int)w->cpus[i], true);
    }
    cpu_set_print(&set, list, room);
}

pools_place pools_pin(const worker *w, unsigned threads) {
    roll_call call = {.cpus = w->cpus};
    if (threads > 1) {
        ic_pool_run(w->pools[threads], answer, &call);
    }
    return atomic_load(&call.lost) ? POOLS_LOST : atomic_load(&call.moved) ? POOLS_MOVED : POOLS_HELD;
}
