/* SPDX-License-Identifier: Apache-2.0
 * Memory in which every buffer lies at a random page and a random cache line in it: buffers that stay where they were
 * first put make equal programs differ by several percent. Pages are faulted in before anything is measured. */
#ifndef CONVBENCH_ARENA_H
#define CONVBENCH_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_PAGE 4096 /* the step of placement, whatever the system's page size is */
#define ARENA_LINE 64

typedef struct {
    unsigned char *base;
    unsigned char *used; /* one byte a page */
    size_t pages, reserved, touched;
    uint64_t random;
} arena;

bool arena_open(arena *a, size_t bytes, uint64_t seed); /* reserves address space only */
void arena_close(arena *a);
void arena_limit(arena *a, size_t bytes); /* uses (and faults in) the first bytes; nothing may be taken */
void *arena_take(arena *a, size_t bytes, size_t alignment); /* NULL: no run of free pages is long enough */
void arena_give(arena *a, void *memory, size_t bytes);

#endif
