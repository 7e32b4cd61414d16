/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/instance.h"

#include "machine/timer.h"

#include <string.h>

static void *allocate(void *context, size_t bytes, size_t alignment, ic_memory kind) {
    instance *i = context;
    i->wanted += arena_room(bytes);
    void *memory = arena_take(i->arena, bytes, alignment);
    if (memory) {
        i->memory[kind] = memory;
        i->bytes[kind] += bytes;
    }
    return memory;
}

static void release(void *context, void *memory, size_t bytes, ic_memory kind) {
    instance *i = context;
    if (!memory) {
        return;
    }
    arena_give(i->arena, memory, bytes);
    i->bytes[kind] -= bytes;
    if (i->memory[kind] == memory) {
        i->memory[kind] = NULL;
    }
}

/* The library writes all but the matrix when it makes an object; so that the first timed copy finds that one as the
 * later ones do, each of its lines is written here, with what it holds: whatever the library put there stays. */
static void write_again(void *memory, size_t bytes) {
    volatile unsigned char *at = memory;
    for (size_t i = 0; i < bytes; i += ARENA_LINE) {
        at[i] = at[i];
    }
}

ic_status instance_make(instance *i, arena *a, const layer_shape *l, const layer_data *d, ic_layout layout,
                        ic_algorithm algorithm, const char *schedule, const ic_tuned *tuned, ic_pool *pool) {
    memset(i, 0, sizeof *i);
    i->arena = a;
    i->allocator = (ic_allocator){i, allocate, release};
    ic_options options = {.struct_size = sizeof options,
                          .algorithm = algorithm,
                          .kernel = schedule,
                          .allocator = &i->allocator,
                          .pool = pool,
                          .tuned = tuned};
    ic_conv2d_desc desc = l->desc;
    desc.layout = layout;
    /* First, so that it lies at the same place for all algorithms that share a placement. */
    i->wanted += arena_room(l->output_floats * sizeof(float));
    i->output = arena_take(a, l->output_floats * sizeof(float), ARENA_LINE);
    uint64_t start = timer_ns();
    ic_status status = ic_conv2d_create(&desc, d->weights, d->bias, &options, &i->conv);
    uint64_t created = timer_ns();
    if (status == IC_OK) {
        status = ic_conv2d_reshape(i->conv, l->batch, l->height, l->width);
    }
    i->create_ns = created - start;
    i->reshape_ns = timer_ns() - created;
    i->info.struct_size = sizeof i->info;
    if (status == IC_OK) {
        status = ic_conv2d_get_info(i->conv, &i->info);
    }
    if (status == IC_OK && (i->info.output_height != l->out_height || i->info.output_width != l->out_width)) {
        status = IC_BAD_STATE;
    }
    if (status == IC_OK && !i->output) {
        status = IC_OUT_OF_MEMORY;
    }
    if (status != IC_OK) {
        size_t wanted = i->wanted;
        instance_free(i, l);
        i->wanted = wanted;
        return status;
    }
    memset(i->output, 0xff, l->output_floats * sizeof(float));
    write_again(i->memory[IC_MEMORY_MATRIX], i->bytes[IC_MEMORY_MATRIX]);
    return IC_OK;
}

void instance_free(instance *i, const layer_shape *l) {
    if (i->output) {
        arena_give(i->arena, i->output, l->output_floats * sizeof(float));
    }
    ic_conv2d_destroy(i->conv);
    i->output = NULL;
    i->conv = NULL;
}
