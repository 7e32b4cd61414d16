/* SPDX-License-Identifier: Apache-2.0
 * Memory of one object: checked sizes, and an allocator whose bytes are counted by kind. */
#ifndef IC_MEMORY_H
#define IC_MEMORY_H

#include "indirectconv.h"

#include <stdbool.h>

/* All buffers start at a cache line. */
#define IC_ALIGNMENT 64

/* Elements of so many bytes can be read there: what C promises of any, and all that the kernels ask for. */
static inline bool ic_is_aligned(const void *elements, size_t element_bytes) {
    return (uintptr_t)elements % element_bytes == 0;
}

/* *size *= factor; false, and *size undefined, when the product does not fit size_t. */
static inline bool ic_multiply(size_t *size, size_t factor) {
    return !__builtin_mul_overflow(*size, factor, size);
}

/* *size += term; false, and *size undefined, when the sum does not fit size_t. */
static inline bool ic_add(size_t *size, size_t term) {
    return !__builtin_add_overflow(*size, term, size);
}

/* True when an array of `bytes` can exist: pointer differences within it must fit ptrdiff_t. */
static inline bool ic_is_array_size(size_t bytes) {
    return bytes <= (size_t)PTRDIFF_MAX;
}

/* The caller's; NULL: malloc and free, aligned. */
ic_status ic_read_allocator(const ic_allocator *given, ic_allocator *allocator);

#endif
