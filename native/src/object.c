/* SPDX-License-Identifier: Apache-2.0 */
#include "object.h"

#include "core/memory.h"

void *ic_take(ic_conv2d *conv, size_t bytes, ic_memory kind) {
    void *memory = conv->allocator.allocate(conv->allocator.context, bytes, IC_ALIGNMENT, kind);
    if (memory != NULL) {
        conv->bytes[kind] = bytes;
    }
    return memory;
}

void ic_give_back(ic_conv2d *conv, void *memory, ic_memory kind) {
    if (memory != NULL) {
        conv->allocator.release(conv->allocator.context, memory, conv->bytes[kind], kind);
        conv->bytes[kind] = 0;
    }
}
