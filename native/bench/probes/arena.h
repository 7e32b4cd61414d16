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
    bool packed;
    size_t packed_from; /* a page */
} arena;

bool arena_open(arena *a, size_t bytes, uint64_t seed); /* reserves address space only */
void arena_close(arena *a);
void arena_limit(arena *a, size_t bytes); /* uses (and faults in) the first bytes; nothing may be taken */
/* Buffers side by side from a random page on, so that whatever adds up to `bytes` (arena_room) fits; until
 * arena_scatter. For an arena of nearly that size, where random places would leave gaps too short for the next buffer.
 */
void arena_pack(arena *a, size_t bytes);
void arena_scatter(arena *a);
size_t arena_room(size_t bytes); /* of the arena, that a buffer of so many bytes takes at most */
void *arena_take(arena *a, size_t bytes, size_t alignment); /* NULL: no run of free pages is long enough */
void arena_give(arena *a, void *memory, size_t bytes);

#endif
