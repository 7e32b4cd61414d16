/* SPDX-License-Identifier: Apache-2.0
 * onnxruntime through its C interface, as a worker: a model of one convolution, written here as ONNX's protobuf.
 * Its CPU kernels take NCHW: input and output are laid so, outside the timed calls; what it lays out anew inside
 * (blocks of channels) is in the time, since nobody who calls it can leave it out. */
#include "shim.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

enum { OPSET = 17, IR = 9, FLOATS = 1, INTEGER = 2, INTEGERS = 7 }; /* versions of ONNX, and its kinds of values */
enum { NEWEST = ORT_API_VERSION, OLDEST = 17 };                     /* of the interface */
enum { ALIGNMENT = 64 };                                            /* of its memory */

typedef struct {
    unsigned char *data;
    size_t size, room;
    bool failed;
} bytes;

typedef struct {
    OrtSession *session;
    OrtIoBinding *binding;
    OrtValue *input, *output;
    shim_layer layer;
    shim_tensors tensors;
    size_t session_bytes, run_bytes;
} object;

static const OrtApi *api;
static OrtEnv *environment;
static OrtMemoryInfo *memory;
static size_t alive;      /* objects, whose input is laid out once */
static size_t live, peak; /* bytes that onnxruntime holds of the allocator below */

/* Memory: each block is behind its size. */

static void *take(OrtAllocator *allocator, size_t size) {
    (void)allocator;
    void *block;
    if (size > SIZE_MAX / 2 || posix_memalign(&block, ALIGNMENT, ALIGNMENT + size)) {
        return NULL;
    }
    *(size_t *)block = size;
    const size_t now = __atomic_add_fetch(&live, size, __ATOMIC_RELAXED);
    peak = now > peak ? now : peak; /* runs of one thread, or in the caller's: near enough with more */
    return (char *)block + ALIGNMENT;
}

static void give(OrtAllocator *allocator, void *pointer) {
    (void)allocator;
    if (pointer) {
        char *block = (char *)pointer - ALIGNMENT;
        __atomic_sub_fetch(&live, *(size_t *)(void *)block, __ATOMIC_RELAXED);
        free(block);
    }
}

static const OrtMemoryInfo *whose(const OrtAllocator *allocator) {
    (void)allocator;
    return memory;
}

static OrtAllocator counting = {.version = NEWEST, .Alloc = take, .Free = give, .Info = whose, .Reserve = take};

/* Protobuf: a key is number << 3 | kind, kind 0 a varint, 2 bytes with their length. */

static void append(bytes *b, const void *data, size_t size) {
    if (b->failed || size > SIZE_MAX / 4 || b->size + size > b->room) {
        const size_t room = 2 * (b->size + size) + 64;
        void *larger = b->failed || size > SIZE_MAX / 4 ? NULL : realloc(b->data, room);
        if (!larger) {
            b->failed = true;
            return;
        }
        b->data = larger;
        b->room = room;
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void varint(bytes *b, uint64_t value) {
    for (; value > 127; value >>= 7) {
        append(b, &(unsigned char){(unsigned char)(value | 128)}, 1);
    }
    append(b, &(unsigned char){(unsigned char)value}, 1);
}

static void whole(bytes *b, unsigned number, uint64_t value) {
    varint(b, number << 3);
    varint(b, value);
}

static void block(bytes *b, unsigned number, const void *data, size_t size) {
    varint(b, number << 3 | 2);
    varint(b, size);
    append(b, data, size);
}

static void text(bytes *b, unsigned number, const char *value) {
    block(b, number, value, strlen(value));
}

/* `inner` as a field of `b`; it is freed. */
static void message(bytes *b, unsigned number, bytes inner) {
    block(b, number, inner.data, inner.size);
    b->failed |= inner.failed;
    free(inner.data);
}

static void attribute(bytes *node, const char *name, size_t count, const size_t *values) {
    bytes a = {0};
    text(&a, 1, name);
    for (size_t i = 0; i < count; i++) {
        whole(&a, 8, values[i]);
    }
    whole(&a, 20, INTEGERS);
    message(node, 5, a);
}

static void tensor(bytes *graph, const char *name, size_t count, const size_t *shape, const float *values) {
    bytes t = {0};
    size_t size = sizeof(float);
    for (size_t i = 0; i < count; i++) {
        whole(&t, 1, shape[i]);
        size *= shape[i];
    }
    whole(&t, 2, FLOATS);
    text(&t, 8, name);
    block(&t, 9, values, size);
    message(graph, 5, t);
}

static void value_info(bytes *graph, unsigned number, const char *name, const size_t shape[4]) {
    bytes dims = {0}, of_tensor = {0}, type = {0}, value = {0};
    for (int i = 0; i < 4; i++) {
        bytes dim = {0};
        whole(&dim, 1, shape[i]);
        message(&dims, 1, dim);
    }
    whole(&of_tensor, 1, FLOATS);
    message(&of_tensor, 2, dims);
    message(&type, 1, of_tensor);
    text(&value, 1, name);
    message(&value, 2, type);
    message(graph, number, value);
}

/* [a][pixels][b] as [a][b][pixels]. */
static void lay(size_t images, size_t pixels, size_t channels, const float *from, float *to) {
    for (size_t n = 0; n < images; n++) {
        for (size_t c = 0; c < channels; c++) {
            for (size_t p = 0; p < pixels; p++) {
                to[(n * channels + c) * pixels + p] = from[(n * pixels + p) * channels + c];
            }
        }
    }
}

static bytes model_of(const shim_layer *l, const float *weights, const float *bias) {
    const size_t depth = l->in_channels / l->groups;
    const bool is_clamped = isfinite(l->output_min) || isfinite(l->output_max);
    bytes node = {0}, graph = {0}, opset = {0}, model = {0};
    text(&node, 1, "x");
    text(&node, 1, "w");
    text(&node, 1, "b");
    text(&node, 2, is_clamped ? "z" : "y");
    text(&node, 4, "Conv");
    attribute(&node, "kernel_shape", 2, (const size_t[]){l->kernel_height, l->kernel_width});
    attribute(&node, "pads", 4, (const size_t[]){l->pad_top, l->pad_left, l->pad_bottom, l->pad_right});
    attribute(&node, "strides", 2, (const size_t[]){l->stride_height, l->stride_width});
    attribute(&node, "dilations", 2, (const size_t[]){l->dilation_height, l->dilation_width});
    bytes group = {0}; /* one integer, not a list */
    text(&group, 1, "group");
    whole(&group, 3, l->groups);
    whole(&group, 20, INTEGER);
    message(&node, 5, group);
    message(&graph, 1, node);
    if (is_clamped) { /* which onnxruntime fuses into the convolution */
        bytes clip = {0};
        text(&clip, 1, "z");
        text(&clip, 1, "least");
        text(&clip, 1, "most");
        text(&clip, 2, "y");
        text(&clip, 4, "Clip");
        message(&graph, 1, clip);
    }
    text(&graph, 2, "layer");
    if (is_clamped) {
        tensor(&graph, "least", 0, NULL, &l->output_min);
        tensor(&graph, "most", 0, NULL, &l->output_max);
    }
    tensor(&graph, "w", 4, (const size_t[]){l->out_channels, depth, l->kernel_height, l->kernel_width}, weights);
    tensor(&graph, "b", 1, (const size_t[]){l->out_channels}, bias);
    value_info(&graph, 11, "x", (const size_t[]){l->batch, l->in_channels, l->height, l->width});
    value_info(&graph, 12, "y", (const size_t[]){l->batch, l->out_channels, l->out_height, l->out_width});
    text(&opset, 1, "");
    whole(&opset, 2, OPSET);
    whole(&model, 1, IR);
    message(&model, 7, graph);
    message(&model, 8, opset);
    return model;
}

/* NULL for success; else the library's words, as an error. */
static const char *refusal(OrtStatus *status) {
    static char words[256];
    if (!status) {
        return NULL;
    }
    snprintf(words, sizeof words, "onnxruntime: %s", api->GetErrorMessage(status));
    for (char *c = words; *c; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    api->ReleaseStatus(status);
    return shim_failed(words);
}

static const char *begin(void) {
    for (uint32_t version = NEWEST; !api && version >= OLDEST; version--) {
        api = OrtGetApiBase()->GetApi(version);
    }
    if (!api) {
        return shim_failed("onnxruntime: it has none of the versions of the interface that this worker knows");
    }
    const char *reason = refusal(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "convbench", &environment));
    reason = reason ? reason : refusal(api->DisableTelemetryEvents(environment));
    reason = reason ? reason : refusal(api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
    return reason ? reason : refusal(api->RegisterAllocator(environment, &counting));
}

static void destroy(void *made) {
    object *o = made;
    if (o->binding) {
        api->ReleaseIoBinding(o->binding);
    }
    if (o->input) {
        api->ReleaseValue(o->input);
    }
    if (o->output) {
        api->ReleaseValue(o->output);
    }
    if (o->session) {
        api->ReleaseSession(o->session);
    }
    free(o);
    alive--;
}

static const char *open_session(object *o, const bytes *model) {
    OrtSessionOptions *options = NULL;
    const char *reason = refusal(api->CreateSessionOptions(&options));
    if (reason) {
        return reason;
    }
    reason = refusal(api->SetIntraOpNumThreads(options, (int)o->layer.threads));
    reason = reason ? reason : refusal(api->SetInterOpNumThreads(options, 1));
    reason = reason ? reason : refusal(api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
    reason = reason ? reason : refusal(api->AddSessionConfigEntry(options, "session.use_env_allocators", "1"));
    /* Its threads do not wait in a loop while others are measured. */
    reason = reason ? reason : refusal(api->AddSessionConfigEntry(options, "session.force_spinning_stop", "1"));
    reason = reason ? reason
                    : refusal(api->CreateSessionFromArray(environment, model->data, model->size, options, &o->session));
    api->ReleaseSessionOptions(options);
    return reason;
}

static const char *value_at(float *data, size_t images, size_t channels, size_t height, size_t width,
                            OrtValue **value) {
    const int64_t shape[] = {(int64_t)images, (int64_t)channels, (int64_t)height, (int64_t)width};
    const size_t size = images * channels * height * width * sizeof *data;
    return refusal(
        api->CreateTensorWithDataAsOrtValue(memory, data, size, shape, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, value));
}

/* Input and output where the tensors are. */
static const char *bind(object *o) {
    const shim_layer *l = &o->layer;
    float *input = (float *)(uintptr_t)o->tensors.input;
    const char *reason = value_at(input, l->batch, l->in_channels, l->height, l->width, &o->input);
    reason = reason ? reason
                    : value_at(o->tensors.output, l->batch, l->out_channels, l->out_height, l->out_width, &o->output);
    reason = reason ? reason : refusal(api->CreateIoBinding(o->session, &o->binding));
    reason = reason ? reason : refusal(api->BindInput(o->binding, "x", o->input));
    return reason ? reason : refusal(api->BindOutput(o->binding, "y", o->output));
}

/* The tensors hold it as NHWC: the first of the objects that share it lays it out, in its place. */
static bool lay_input(const shim_layer *l, const shim_tensors *t) {
    const size_t pixels = l->height * l->width, count = l->batch * pixels * l->in_channels;
    float *laid = malloc(count * sizeof *laid);
    if (laid) {
        lay(l->batch, pixels, l->in_channels, t->input, laid);
        memcpy((float *)(uintptr_t)t->input, laid, count * sizeof *laid);
    }
    free(laid);
    return laid != NULL;
}

static const char *run(void *made) {
    const object *o = made;
    OrtStatus *status = api->RunWithBinding(o->session, NULL, o->binding);
    return status ? refusal(status) : NULL;
}

static const char *create(const shim_layer *layer, const shim_tensors *tensors, void **made) {
    const char *reason = environment ? NULL : begin();
    const size_t taps = layer->kernel_height * layer->kernel_width, depth = layer->in_channels / layer->groups;
    if (reason) {
        return reason;
    }
    object *o = calloc(1, sizeof *o);
    float *weights = malloc(layer->out_channels * taps * depth * sizeof *weights);
    if (!o || !weights || (!alive && !lay_input(layer, tensors))) {
        free(o);
        free(weights);
        return shim_failed("out of memory");
    }
    alive++;
    o->layer = *layer;
    o->tensors = *tensors;
    lay(layer->out_channels, taps, depth, tensors->weights, weights);
    const size_t before = live;
    bytes model = model_of(layer, weights, tensors->bias);
    reason = model.failed ? shim_failed("out of memory") : open_session(o, &model);
    reason = reason ? reason : bind(o);
    o->session_bytes = live - before;
    peak = live;
    reason = reason ? reason : run(o); /* takes what runs need */
    o->run_bytes = peak - before - o->session_bytes;
    free(weights);
    free(model.data);
    if (reason) {
        destroy(o);
        return reason;
    }
    *made = o;
    return NULL;
}

static void read_output(void *made, float *output) {
    const object *o = made;
    const size_t pixels = o->layer.out_height * o->layer.out_width;
    lay(o->layer.batch, o->layer.out_channels, pixels, o->tensors.output, output); /* the other way round */
}

static void tell(void *made, shim_told *told) {
    const object *o = made;
    told->object_bytes = o->session_bytes; /* packed weights are taken elsewhere: not known */
    told->matrix_bytes = o->run_bytes;
}

int main(int argc, char **argv) {
    const shim_functions functions = {
        .create = create, .run = run, .destroy = destroy, .tell = tell, .read = read_output};
    return shim_main(argc, argv, &functions);
}
