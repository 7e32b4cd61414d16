/* SPDX-License-Identifier: Apache-2.0 */
#include "probes/memcpy_probe.h"

#include "machine/timer.h"
#include "probes/arena.h"
#include "probes/median.h"

#include <stdint.h>
#include <string.h>

#define PLACEMENTS 15
#define WINDOW_NS 5e6

static void pass(unsigned char *target, const unsigned char *source, size_t source_bytes, size_t total_bytes) {
    for (size_t done = 0; done < total_bytes;) {
        size_t left = total_bytes - done, size = left < source_bytes ? left : source_bytes;
        memcpy(target + done, source, size);
        /* Nobody reads the target: the compiler must not notice. */
        __asm__ volatile("" : : "r"(target + done) : "memory");
        done += size;
    }
}

/* Passes until the window is full; the clock is read after 1, 2, 4, ... of them. */
static double window(unsigned char *target, const unsigned char *source, size_t source_bytes, size_t total_bytes) {
    pass(target, source, source_bytes, total_bytes);
    uint64_t passes = 0, start = timer_ns();
    for (uint64_t more = 1;; more = passes) {
        for (uint64_t i = 0; i < more; i++) {
            pass(target, source, source_bytes, total_bytes);
        }
        passes += more;
        double ns = (double)(timer_ns() - start);
        if (ns >= WINDOW_NS) {
            return ns / (double)passes;
        }
    }
}

bool memcpy_probe(size_t source_bytes, size_t total_bytes, double *ns) {
    static double times[PLACEMENTS];
    arena a;
    /* Twice what is needed, as for samples: room for other places. */
    size_t bytes = 2 * (source_bytes + total_bytes) + ((size_t)32 << 20);
    if (!arena_open(&a, bytes, timer_ns())) {
        return false;
    }
    arena_limit(&a, bytes);
    for (int i = 0; i < PLACEMENTS; i++) {
        unsigned char *source = arena_take(&a, source_bytes, ARENA_LINE);
        unsigned char *target = arena_take(&a, total_bytes, ARENA_LINE);
        for (int tries = 1; source && !target && tries < 8; tries++) { /* the source may lie in the way */
            arena_give(&a, source, source_bytes);
            source = arena_take(&a, source_bytes, ARENA_LINE);
            target = arena_take(&a, total_bytes, ARENA_LINE);
        }
        if (!source || !target) {
            arena_close(&a);
            return false;
        }
        memset(source, 1, source_bytes);
        memset(target, 2, total_bytes);
        times[i] = window(target, source, source_bytes, total_bytes);
        arena_give(&a, source, source_bytes);
        arena_give(&a, target, total_bytes);
    }
    arena_close(&a);
    *ns = median(times, PLACEMENTS);
    return true;
}
