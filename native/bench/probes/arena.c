/* SPDX-License-Identifier: Apache-2.0 */
#include "probes/arena.h"

#include "wire/prng.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool arena_open(arena *a, size_t bytes, uint64_t seed) {
    memset(a, 0, sizeof *a);
    a->reserved = bytes / ARENA_PAGE;
    if (!a->reserved) {
        return false;
    }
    a->random = seed;
    a->used = calloc(a->reserved, 1);
    void *base = mmap(NULL, a->reserved * ARENA_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED || !a->used) {
        return false;
    }
    a->base = base;
#ifdef MADV_NOHUGEPAGE
    /* A huge page would keep physical neighbours together, and a collapse in mid-run would change the machine. */
    madvise(base, a->reserved * ARENA_PAGE, MADV_NOHUGEPAGE);
#endif
    return true;
}

void arena_close(arena *a) {
    munmap(a->base, a->reserved * ARENA_PAGE);
    free(a->used);
    memset(a, 0, sizeof *a);
}

void arena_limit(arena *a, size_t bytes) {
    a->pages = bytes / ARENA_PAGE < a->reserved ? bytes / ARENA_PAGE : a->reserved;
    for (; a->touched < a->pages; a->touched++) {
        *(volatile unsigned char *)(a->base + a->touched * ARENA_PAGE) = 1;
    }
}

void arena_pack(arena *a, size_t bytes) {
    size_t count = bytes / ARENA_PAGE;
    a->packed = true;
    a->packed_from = count < a->pages ? prng_next(&a->random) % (a->pages - count + 1) : 0;
}

void arena_scatter(arena *a) {
    a->packed = false;
}

size_t arena_room(size_t bytes) {
    size_t most = (bytes ? bytes : 1) + ARENA_PAGE - ARENA_LINE; /* with the worst offset */
    return (most + ARENA_PAGE - 1) / ARENA_PAGE * ARENA_PAGE;
}

/* The last page of the first used stretch in the run of `count` pages from `at`, or SIZE_MAX if all are free. */
static size_t last_used(const arena *a, size_t at, size_t count) {
    const unsigned char *hit = memchr(a->used + at, 1, count);
    if (!hit) {
        return SIZE_MAX;
    }
    size_t page = (size_t)(hit - a->used);
    while (page + 1 < at + count && a->used[page + 1]) {
        page++;
    }
    return page;
}

static size_t first_fit(const arena *a, size_t from, size_t to, size_t count) {
    while (from + count <= to) {
        size_t hit = last_used(a, from, count);
        if (hit == SIZE_MAX) {
            return from;
        }
        from = hit + 1;
    }
    return SIZE_MAX;
}

void *arena_take(arena *a, size_t bytes, size_t alignment) {
    size_t step = alignment > ARENA_LINE ? alignment : ARENA_LINE;
    size_t offset = step >= ARENA_PAGE ? 0 : prng_next(&a->random) % (ARENA_PAGE / step) * step;
    if (alignment > ARENA_PAGE || bytes > a->pages * ARENA_PAGE) {
        return NULL;
    }
    size_t count = (offset + (bytes ? bytes : 1) + ARENA_PAGE - 1) / ARENA_PAGE;
    if (count > a->pages) {
        return NULL;
    }
    size_t choices = a->pages - count + 1, at = SIZE_MAX;
    if (a->packed) {
        at = first_fit(a, a->packed_from, a->pages, count);
    }
    for (int i = 0; i < 24 && at == SIZE_MAX && !a->packed; i++) {
        size_t guess = prng_next(&a->random) % choices;
        if (last_used(a, guess, count) == SIZE_MAX) {
            at = guess;
        }
    }
    if (at == SIZE_MAX && !a->packed) {
        at = first_fit(a, prng_next(&a->random) % choices, a->pages, count);
    }
    if (at == SIZE_MAX) {
        at = first_fit(a, 0, a->pages, count);
    }
    if (at == SIZE_MAX) {
        return NULL;
    }
    memset(a->used + at, 1, count);
    return a->base + at * ARENA_PAGE + offset;
}

void arena_give(arena *a, void *memory, size_t bytes) {
    size_t from = (size_t)((unsigned char *)memory - a->base);
    size_t first = from / ARENA_PAGE, last = (from + (bytes ? bytes : 1) - 1) / ARENA_PAGE;
    memset(a->used + first, 0, last - first + 1);
}
