/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200112L

#include "core/memory.h"

#include "core/error.h"

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

ic_status ic_read_allocator(const ic_allocator *given, ic_allocator *allocator) {
    if (given == NULL) {
        *allocator = (ic_allocator){NULL, allocate, release};
        return IC_OK;
    }
    if (given->allocate == NULL || given->release == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "allocator->%s is NULL", given->allocate == NULL ? "allocate" : "release");
    }
    *allocator = *given;
    return IC_OK;
}
