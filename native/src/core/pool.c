/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "core/pool.h"

#include "core/cpus.h"
#include "core/error.h"
#include "core/float_mode.h"
#include "core/futex.h"
#include "core/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* How long a helper looks for work before it sleeps: more than lies between two layers. And the caller for the end of
 * the others' work, of which at most one item is left: one who is real-time would keep a helper from its CPU. With a
 * tenth of END_NS im2col, which ends two rounds for an image, took 2 % longer on two threads. By the clock, since what
 * a look takes differs by cores a hundred times. */
enum { WORK_NS = 500000, END_NS = 400000, LOOKS = 64 /* from one reading of the clock to the next */ };

typedef struct {
    ic_pool *pool;
    unsigned index; /* 1 and up */
    int cpu;        /* -1: anywhere */
    pthread_t thread;
} helper;

struct ic_pool {
    ic_allocator allocator;
    size_t bytes;
    unsigned threads, started;
    unsigned forks;  /* before it was made */
    bool is_crowded; /* more threads than CPUs: nobody looks twice */
    void (*work)(void *context, unsigned thread);
    void *context;
    uint64_t float_mode;  /* of the round's caller */
    atomic_uint round;    /* grows with each piece of work; odd numbers are not special */
    atomic_uint busy;     /* helpers that have not finished this round */
    atomic_uint sleepers; /* helpers that have to be woken */
    atomic_bool caller_sleeps;
    atomic_bool is_ending;
    atomic_int pinned; /* helpers on their CPU; -1 where one could not get there */
    helper helpers[];
};

/* Forks between the first process that made a pool and this one. By number, as a process id may come again. */
static atomic_uint forks;
static bool counts_forks;

static void count_fork(void) {
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
    ic_futex_forked();
}

static void begin_counting(void) {
    counts_forks = pthread_atfork(NULL, NULL, count_fork) == 0;
}

/* Whether the pool was made in this process: in a child of that one its threads are not. */
static bool has_threads(const ic_pool *pool) {
    return pool->forks == atomic_load_explicit(&forks, memory_order_relaxed);
}

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("isb"); /* some ten nanoseconds; yield takes none on most cores */
#endif
}

/* Of somebody who waits awake. */
typedef struct {
    unsigned looks;
    int64_t end_ns;
} vigil;

/* After a look in vain: whether to look again. */
static bool stays_awake(vigil *v, const ic_pool *pool, int64_t for_ns) {
    if (pool->is_crowded) {
        return false;
    }
    relax();
    if (++v->looks % LOOKS != 0) {
        return true;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    v->end_ns = v->looks == LOOKS ? now_ns + for_ns : v->end_ns;
    return now_ns < v->end_ns;
}

/* Waits for a round after `seen`. */
static unsigned next_round(ic_pool *pool, unsigned seen) {
    vigil awake = {0, 0};
    do {
        const unsigned round = atomic_load_explicit(&pool->round, memory_order_acquire);
        if (round != seen) {
            return round;
        }
    } while (stays_awake(&awake, pool, WORK_NS));
    /* In one order with start_round, for all threads: either it sees the sleeper, or the sleeper sees the round. */
    atomic_fetch_add(&pool->sleepers, 1);
    unsigned round;
    while ((round = atomic_load(&pool->round)) == seen) {
        ic_futex_wait(&pool->round, seen);
    }
    atomic_fetch_sub(&pool->sleepers, 1);
    return round;
}

/* The caller's mode: the same operands give the same bits on every thread. Writing it costs more than to compare. */
static void take_float_mode(const ic_pool *pool) {
    if (ic_float_mode() != pool->float_mode) {
        ic_set_float_mode(pool->float_mode);
    }
}

/* The last one wakes the caller. */
static void finish(ic_pool *pool) {
    if (atomic_fetch_sub(&pool->busy, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
        ic_futex_wake(&pool->busy);
    }
}

static void *help(void *argument) {
    helper *self = argument;
    ic_pool *pool = self->pool;
    if (self->cpu < 0 || ic_cpus_pin((unsigned)self->cpu)) {
        atomic_fetch_add(&pool->pinned, 1);
    } else {
        atomic_store(&pool->pinned, -(int)pool->threads);
    }
    finish(pool);
    unsigned seen = 0;
    for (;;) {
        seen = next_round(pool, seen);
        if (atomic_load_explicit(&pool->is_ending, memory_order_acquire)) {
            return NULL;
        }
        take_float_mode(pool);
        pool->work(pool->context, self->index);
        finish(pool);
    }
}

static void start_round(ic_pool *pool) {
    atomic_fetch_add(&pool->round, 1);
    if (atomic_load(&pool->sleepers) != 0) {
        ic_futex_wake(&pool->round);
    }
}

static void wait_for_helpers(ic_pool *pool) {
    vigil awake = {0, 0};
    do {
        if (atomic_load_explicit(&pool->busy, memory_order_acquire) == 0) {
            return;
        }
    } while (stays_awake(&awake, pool, END_NS));
    atomic_store(&pool->caller_sleeps, true);
    for (unsigned busy; (busy = atomic_load(&pool->busy)) != 0;) {
        ic_futex_wait(&pool->busy, busy);
    }
    atomic_store(&pool->caller_sleeps, false);
}

/* CPUs that the caller may run on; a helper that is not pinned starts with the same. */
static unsigned allowed_cpus(void) {
    const unsigned allowed = ic_cpus_allowed();
    return allowed != 0 ? allowed : IC_MAX_THREADS;
}

/* Two threads on one CPU would wait for each other: as many CPUs as threads, each of which the system can name. */
static bool are_cpus(const unsigned *cpus, unsigned threads) {
    for (unsigned i = 0; cpus != NULL && i < threads; i++) {
        for (unsigned before = 0; before < i; before++) {
            if (cpus[before] == cpus[i]) {
                return false;
            }
        }
        if (cpus[i] >= ic_cpus_end()) {
            return false;
        }
    }
    return true;
}

ic_status ic_pool_create(const ic_pool_options *options, ic_pool **pool) {
    if (pool == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "pool is NULL");
    }
    *pool = NULL;
    if (options == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "options is NULL");
    }
    if (options->struct_size != sizeof *options) {
        return ic_fail(IC_INVALID_ARGUMENT, "options.struct_size=%zu is not %zu", options->struct_size,
                       sizeof *options);
    }
    const unsigned threads = options->threads != 0 ? options->threads : 1;
    ic_allocator allocator;
    if (threads > IC_MAX_THREADS) {
        return ic_fail(IC_INVALID_ARGUMENT, "options.threads=%u is over %d", threads, IC_MAX_THREADS);
    }
    if (options->cpus != NULL && ic_cpus_end() == 0) {
        return ic_fail(IC_INVALID_ARGUMENT, "options.cpus: this system keeps no thread to a CPU");
    }
    if (!are_cpus(options->cpus, threads)) {
        return ic_fail(IC_INVALID_ARGUMENT, "options.cpus names a CPU twice, or one over %u", ic_cpus_end() - 1);
    }
    const ic_status status = ic_read_allocator(options->allocator, &allocator);
    if (status != IC_OK) {
        return status;
    }
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, begin_counting);
    if (!counts_forks) {
        return ic_fail(IC_OUT_OF_MEMORY, "the pool: no memory to notice a fork");
    }
    const size_t bytes = sizeof(ic_pool) + (threads - 1) * sizeof(helper);
    ic_pool *made = allocator.allocate(allocator.context, bytes, IC_ALIGNMENT, IC_MEMORY_OBJECT);
    if (made == NULL) {
        return ic_fail_memory("the pool", bytes);
    }
    memset(made, 0, bytes);
    made->allocator = allocator;
    made->bytes = bytes;
    made->threads = threads;
    made->forks = atomic_load_explicit(&forks, memory_order_relaxed);
    made->is_crowded = options->cpus == NULL && threads > allowed_cpus(); /* those named are as many */
    for (unsigned i = 1; i < made->threads; i++) {
        helper *h = &made->helpers[i - 1];
        *h = (helper){made, i, options->cpus != NULL ? (int)options->cpus[i] : -1, h->thread};
        atomic_fetch_add(&made->busy, 1);
        if (pthread_create(&h->thread, NULL, help, h) != 0) {
            atomic_fetch_sub(&made->busy, 1);
            ic_pool_destroy(made);
            return ic_fail(IC_OUT_OF_MEMORY, "options.threads=%u: thread %u cannot be started", threads, i);
        }
        made->started++;
    }
    wait_for_helpers(made);
    if (atomic_load(&made->pinned) < 0) {
        ic_pool_destroy(made);
        return ic_fail(IC_INVALID_ARGUMENT, "options.cpus: a thread cannot be pinned to its CPU");
    }
    *pool = made;
    return IC_OK;
}

void ic_pool_destroy(ic_pool *pool) {
    if (pool == NULL) {
        return;
    }
    if (has_threads(pool)) {
        atomic_store_explicit(&pool->is_ending, true, memory_order_release);
        start_round(pool);
        for (unsigned i = 0; i < pool->started; i++) {
            pthread_join(pool->helpers[i].thread, NULL);
        }
    } /* else nobody is there to join */
    const ic_allocator allocator = pool->allocator;
    allocator.release(allocator.context, pool, pool->bytes, IC_MEMORY_OBJECT);
}

unsigned ic_pool_rounds(const ic_pool *pool) {
    return atomic_load_explicit(&pool->round, memory_order_relaxed);
}

unsigned ic_pool_threads(const ic_pool *pool) {
    return pool != NULL ? pool->threads : 1;
}

void ic_pool_run(ic_pool *pool, void (*work)(void *context, unsigned thread), void *context) {
    if (pool == NULL || pool->threads == 1 || !has_threads(pool)) {
        work(context, 0);
        return;
    }
    pool->work = work;
    pool->context = context;
    pool->float_mode = ic_float_mode();
    atomic_store_explicit(&pool->busy, pool->threads - 1, memory_order_relaxed);
    start_round(pool);
    work(context, 0);
    wait_for_helpers(pool);
}
