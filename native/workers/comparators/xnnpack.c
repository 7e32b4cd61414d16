/* SPDX-License-Identifier: Apache-2.0
 * XNNPACK's operators for NHWC in f32, as a worker: create packs the weights, reshape lays the indirection buffer,
 * setup names the tensors, run computes. Memory is counted by an allocator of ours, step by step. */
#include "shim.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthreadpool.h>
#include <xnnpack.h>

#define OWN 64 /* bytes before each block: its size, at the widest alignment that XNNPACK asks for */

typedef struct {
    xnn_operator_t operation;
    pthreadpool_t pool; /* NULL: the caller's thread alone */
    void *block;        /* the workspace */
    size_t weights_bytes, pointer_bytes, workspace_bytes;
} object;

static size_t live; /* bytes that XNNPACK holds */

static void *take_aligned(void *context, size_t alignment, size_t size) {
    (void)context;
    const size_t before = alignment > OWN ? alignment : OWN;
    void *block;
    if (size > SIZE_MAX / 2 || posix_memalign(&block, before, before + size)) {
        return NULL;
    }
    size_t *own = (size_t *)(void *)((char *)block + before) - 2;
    own[0] = size;
    own[1] = before;
    live += size;
    return (char *)block + before;
}

static void *take(void *context, size_t size) {
    return take_aligned(context, OWN, size);
}

static void give(void *context, void *pointer) {
    (void)context;
    if (pointer) {
        const size_t *own = (size_t *)pointer - 2;
        live -= own[0];
        free((char *)pointer - own[1]);
    }
}

static void *take_again(void *context, void *pointer, size_t size) {
    void *larger = take(context, size);
    if (larger && pointer) {
        const size_t old = ((size_t *)pointer)[-2];
        memcpy(larger, pointer, old < size ? old : size);
        give(context, pointer);
    }
    return larger;
}

static const struct xnn_allocator counting = {
    .allocate = take,
    .reallocate = take_again,
    .deallocate = give,
    .aligned_allocate = take_aligned,
    .aligned_deallocate = give,
};

/* NULL for success. What the library says it does not have is a skip, all else an error. */
static const char *refusal(const char *step, enum xnn_status status) {
    static char text[128];
    static const char *const names[] = {"",
                                        "uninitialized",
                                        "invalid parameter",
                                        "invalid state",
                                        "unsupported parameter",
                                        "unsupported hardware",
                                        "out of memory"};
    const char *name = (size_t)status < sizeof names / sizeof *names ? names[status] : "status unknown to this worker";
    if (status == xnn_status_success) {
        return NULL;
    }
    snprintf(text, sizeof text, "XNNPACK: %s: %s (%d)", step, name, (int)status);
    const int is_skip = status == xnn_status_unsupported_parameter || status == xnn_status_unsupported_hardware;
    return is_skip ? text : shim_failed(text);
}

static void destroy(void *made) {
    object *o = made;
    xnn_delete_operator(o->operation);
    pthreadpool_destroy(o->pool);
    free(o->block);
    free(o);
}

static const char *make(object *o, const shim_layer *l, const shim_tensors *t) {
    const size_t depth = l->in_channels / l->groups, group = l->out_channels / l->groups;
    size_t before = live, alignment = 1, height, width;
    const char *reason = refusal(
        "create", xnn_create_convolution2d_nhwc_f32(
                      (uint32_t)l->pad_top, (uint32_t)l->pad_right, (uint32_t)l->pad_bottom, (uint32_t)l->pad_left,
                      (uint32_t)l->kernel_height, (uint32_t)l->kernel_width, (uint32_t)l->stride_height,
                      (uint32_t)l->stride_width, (uint32_t)l->dilation_height, (uint32_t)l->dilation_width,
                      (uint32_t)l->groups, depth, group, l->in_channels, l->out_channels, t->weights, t->bias,
                      l->output_min, l->output_max, 0, NULL, NULL, &o->operation));
    if (reason) {
        return reason;
    }
    o->weights_bytes = live - before;
    before = live;
    reason = refusal("reshape",
                     xnn_reshape_convolution2d_nhwc_f32(o->operation, l->batch, l->height, l->width,
                                                        &o->workspace_bytes, &alignment, &height, &width, o->pool));
    if (reason) {
        return reason;
    }
    if (height != l->out_height || width != l->out_width) {
        return shim_failed("XNNPACK: its output has another size");
    }
    if (o->workspace_bytes) {
        const size_t at = alignment > OWN ? alignment : OWN;
        if (posix_memalign(&o->block, at, o->workspace_bytes)) {
            return shim_failed("no memory for XNNPACK's workspace");
        }
        memset(o->block, 1, o->workspace_bytes); /* its pages are there */
    }
    reason = refusal("setup", xnn_setup_convolution2d_nhwc_f32(o->operation, o->block, t->input, t->output));
    o->pointer_bytes = live - before;
    return reason;
}

static const char *create(const shim_layer *layer, const shim_tensors *tensors, void **made) {
    static int is_ready;
    if (!is_ready) {
        const enum xnn_status status = xnn_initialize(&counting);
        if (status != xnn_status_success) {
            /* cpuinfo reads /sys/devices/system/cpu, and fails without. */
            return shim_failed(status == xnn_status_out_of_memory
                                   ? "XNNPACK: initialize: out of memory; it needs /sys/devices/system/cpu/possible"
                                   : "XNNPACK: initialize failed");
        }
        is_ready = 1;
    }
    object *o = calloc(1, sizeof *o);
    if (!o) {
        return shim_failed("out of memory");
    }
    if (layer->threads > 1 && !(o->pool = pthreadpool_create(layer->threads))) {
        free(o);
        return shim_failed("XNNPACK: no pool of threads");
    }
    const char *reason = make(o, layer, tensors);
    if (reason) {
        destroy(o);
        return reason;
    }
    *made = o;
    return NULL;
}

static const char *run(void *made) {
    const object *o = made;
    const enum xnn_status status = xnn_run_operator(o->operation, o->pool);
    return status == xnn_status_success ? NULL : refusal("run", status);
}

static void tell(void *made, shim_told *told) {
    const object *o = made;
    told->weights_bytes = o->weights_bytes;
    told->pointer_bytes = o->pointer_bytes;
    told->matrix_bytes = o->workspace_bytes;
}

int main(int argc, char **argv) {
    const shim_functions functions = {.create = create, .run = run, .destroy = destroy, .tell = tell, .read = NULL};
    return shim_main(argc, argv, &functions);
}
