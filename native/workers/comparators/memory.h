/* SPDX-License-Identifier: Apache-2.0
 * Counts what a statically linked library holds of the heap. Link with the options that memory.c names. */
#ifndef COMPARATORS_MEMORY_H
#define COMPARATORS_MEMORY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that blocks held now have, as the allocator gave them; large: of those of at least `memory_large` bytes alone.
 */
typedef struct {
    size_t all, large;
} memory_held;

/* From where on a block is large. To be set where nothing is held that was taken under another limit. */
void memory_set_large(size_t bytes);
memory_held memory_now(void);

#ifdef __cplusplus
}
#endif

#endif
