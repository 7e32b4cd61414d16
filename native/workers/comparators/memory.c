/* SPDX-License-Identifier: Apache-2.0
 * Link with -Wl,--wrap= malloc, calloc, realloc, free, aligned_alloc, posix_memalign and memalign. */
#include "memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
void *__real_memalign(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
void *__wrap_memalign(size_t alignment, size_t size);

static size_t held, held_large, limit = SIZE_MAX; /* threads of a pool may allocate, too */

static void *took(void *block) {
    const size_t bytes = block ? malloc_usable_size(block) : 0;
    __atomic_add_fetch(&held, bytes, __ATOMIC_RELAXED);
    __atomic_add_fetch(&held_large, bytes >= limit ? bytes : 0, __ATOMIC_RELAXED);
    return block;
}

static void *gives(void *block) {
    const size_t bytes = block ? malloc_usable_size(block) : 0;
    __atomic_sub_fetch(&held, bytes, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&held_large, bytes >= limit ? bytes : 0, __ATOMIC_RELAXED);
    return block;
}

void memory_set_large(size_t bytes) {
    limit = bytes;
    held_large = 0;
}

memory_held memory_now(void) {
    const memory_held now = {__atomic_load_n(&held, __ATOMIC_RELAXED), __atomic_load_n(&held_large, __ATOMIC_RELAXED)};
    return now;
}

void *__wrap_malloc(size_t size) {
    return took(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
    return took(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size) {
    const size_t before = block ? malloc_usable_size(block) : 0;
    void *moved = __real_realloc(block, size);
    if (moved || !size) { /* else the old one stays */
        __atomic_sub_fetch(&held, before, __ATOMIC_RELAXED);
        __atomic_sub_fetch(&held_large, before >= limit ? before : 0, __ATOMIC_RELAXED);
        took(moved);
    }
    return moved;
}

void __wrap_free(void *block) {
    __real_free(gives(block));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return took(__real_aligned_alloc(alignment, size));
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size) {
    const int error = __real_posix_memalign(block, alignment, size);
    if (!error) {
        took(*block);
    }
    return error;
}

void *__wrap_memalign(size_t alignment, size_t size) {
    return took(__real_memalign(alignment, size));
}
