/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pools.h"

#include "core/pool.h"
#include "machine/affinity.h"

#include <stdatomic.h>
#include <string.h>

bool pools_need(worker *w, unsigned threads) {
    const ic_pool_options options = {.struct_size = sizeof options, .threads = threads, .cpus = w->cpus};
    return threads == 1 || w->pools[threads] || ic_pool_create(&options, &w->pools[threads]) == IC_OK;
}

typedef struct {
    const unsigned *cpus;
    atomic_bool moved, lost;
} roll_call;

/* On each thread; where the worker's own may run is looked at elsewhere. */
static void answer(void *context, unsigned thread) {
    roll_call *call = context;
    cpu_set wanted = {{0}}, now;
    cpu_set_put(&wanted, (int)call->cpus[thread], true);
    if (thread == 0 || !affinity_get(&now) || !memcmp(&now, &wanted, sizeof now)) {
        return;
    }
    atomic_store(&call->moved, true);
    if (!affinity_set(&wanted)) {
        atomic_store(&call->lost, true);
    }
}

pools_place pools_pin(const worker *w, unsigned threads) {
    roll_call call = {.cpus = w->cpus};
    if (threads > 1) {
        ic_pool_run(w->pools[threads], answer, &call);
    }
    return atomic_load(&call.lost) ? POOLS_LOST : atomic_load(&call.moved) ? POOLS_MOVED : POOLS_HELD;
}
