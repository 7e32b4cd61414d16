/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200112L

#include "core/memory.h"

#include <stdlib.h>

/* posix_memalign, because aligned_alloc only came to Android with API 28. */
static void *allocate(void *context, size_t bytes, size_t alignment, ic_memory kind) {
    void *memory = NULL;
    (void)context;
    (void)kind;
    return posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}

static void release(void *context, void *memory, size_t bytes, ic_memory kind) {
    (void)context;
    (void)bytes;
    (void)kind;
    free(memory);
}

ic_allocator ic_default_allocator(void) {
    const ic_allocator allocator = {NULL, allocate, release};
    return allocator;
}
