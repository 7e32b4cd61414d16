/* SPDX-License-Identifier: Apache-2.0
 * Life of an object: create, reshape, run, destroy. */
#include "core/algorithm.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/type.h"
#include "methods/method.h"
#include "object.h"

#include <string.h>

/* Options of this version, from those of the caller, who may know fewer. */
static ic_status read_options(const ic_options *given, ic_options *options) {
    const size_t oldest = offsetof(ic_options, pool), older = offsetof(ic_options, tuned),
                 before = offsetof(ic_options, allowed_error);
    *options = (ic_options)IC_OPTIONS_INIT;
    if (given == NULL) {
        return IC_OK;
    }
    if (given->struct_size != sizeof *options && given->struct_size != before && given->struct_size != older &&
        given->struct_size != oldest) {
        return ic_fail(IC_INVALID_ARGUMENT, "options.struct_size=%zu is not %zu", given->struct_size, sizeof *options);
    }
    memcpy(options, given, given->struct_size);
    if (!ic_is_algorithm(options->algorithm)) {
        return ic_fail(IC_INVALID_ARGUMENT, "options.algorithm=%d is none", (int)options->algorithm);
    }
    if (!(options->allowed_error >= 0)) { /* false for NaN, too */
        return ic_fail(IC_INVALID_ARGUMENT, "options.allowed_error=%g is not 0 or more", options->allowed_error);
    }
    return IC_OK;
}

/* Elements of the description's type, which may lie anywhere that one may. */
static ic_status check_elements(const ic_conv2d_desc *desc, const char *name, const void *elements) {
    const size_t bytes = ic_type_of(desc->type)->bytes;
    if (elements == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s is NULL", name);
    }
    if (!ic_is_aligned(elements, bytes)) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s=%p is not aligned to %zu bytes", name, elements, bytes);
    }
    return IC_OK;
}

/* All of an object that needs no memory. */
static ic_status make_draft(const ic_conv2d_desc *desc, const void *weights, const void *bias, const ic_options *given,
                            ic_conv2d *draft) {
    ic_options options;
    *draft = (ic_conv2d){.is_shaped = false};
    ic_status status = ic_read_desc(desc, &draft->desc);
    if (status == IC_OK) {
        status = check_elements(&draft->desc, "weights", weights);
    }
    if (status == IC_OK && bias != NULL) {
        status = check_elements(&draft->desc, "bias", bias);
    }
    if (status == IC_OK) {
        status = read_options(given, &options);
    }
    if (status == IC_OK) {
        status = ic_read_allocator(options.allocator, &draft->allocator);
    }
    if (status != IC_OK) {
        return status;
    }
    draft->element = ic_type_of(draft->desc.type)->bytes;
    draft->pool = options.pool;
    draft->algorithm = options.algorithm;
    status = ic_begin_choice(&draft->desc, &options, &draft->chooser, &draft->schedule);
    draft->method = ic_method_for(draft);
    if (draft->method == NULL) { /* whatever the schedule */
        return ic_fail(IC_UNSUPPORTED, "options.algorithm=%s does not cover the convolution of desc%s",
                       ic_algorithm_name(options.algorithm),
                       draft->desc.layout == IC_LAYOUT_NCHW ? ", with layout=nchw: im2col and naive do"
                       : options.algorithm == IC_ALGORITHM_FFT
                           ? ": fft covers stride 1 and kernels of up to 96 pixels, or a named tile's"
                           : "");
    }
    return status;
}

ic_status ic_conv2d_create(const ic_conv2d_desc *desc, const void *weights, const void *bias, const ic_options *options,
                           ic_conv2d **conv) {
    ic_conv2d draft;
    if (conv == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "conv is NULL");
    }
    *conv = NULL;
    ic_status status = make_draft(desc, weights, bias, options, &draft);
    if (status != IC_OK) {
        return status;
    }
    const size_t bytes = draft.method->object_bytes;
    ic_conv2d *made = draft.allocator.allocate(draft.allocator.context, bytes, IC_ALIGNMENT, IC_MEMORY_OBJECT);
    if (made == NULL) {
        return ic_fail_memory("the object", bytes);
    }
    memset(made, 0, bytes);
    *made = draft;
    made->bytes[IC_MEMORY_OBJECT] = bytes;
    status = made->method->pack(made, weights, bias);
    if (status != IC_OK) {
        ic_conv2d_destroy(made);
        return status;
    }
    *conv = made;
    return IC_OK;
}

static void drop_shape(ic_conv2d *conv) {
    conv->method->release(conv);
    conv->is_shaped = false;
}

ic_status ic_conv2d_reshape(ic_conv2d *conv, size_t batch, size_t height, size_t width) {
    if (conv == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "conv is NULL");
    }
    const ic_geometry *old = &conv->geometry;
    if (conv->is_shaped && old->input_height == height && old->input_width == width && old->batch == batch) {
        return IC_OK;
    }
    drop_shape(conv);
    ic_status status = ic_make_geometry(&conv->desc, batch, height, width, &conv->geometry);
    if (status == IC_OK) {
        status = conv->method->shape(conv);
    }
    if (status != IC_OK) {
        drop_shape(conv);
        return status;
    }
    const ic_geometry *now = &conv->geometry;
    conv->input_bytes = batch * height * width * conv->desc.in_channels * conv->element;
    conv->output_bytes = batch * now->output_height * now->output_width * conv->desc.out_channels * conv->element;
    ic_print_schedule(&conv->schedule, conv->schedule_name);
    conv->is_shaped = true;
    return IC_OK;
}

/* Whether an element of the output is one of the input. */
static inline bool overlap(const ic_conv2d *conv, const void *input, const void *output) {
    const uintptr_t from = (uintptr_t)input, to = (uintptr_t)output; /* a difference below 0 is beyond any size */
    return to - from < conv->input_bytes || from - to < conv->output_bytes;
}

/* What is wrong with a call of run; it is kept out of the way of those that are right. */
static __attribute__((noinline, cold)) ic_status refuse_run(const ic_conv2d *conv, const void *input,
                                                            const void *output) {
    if (conv == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "conv is NULL");
    }
    ic_status status = check_elements(&conv->desc, "input", input);
    if (status == IC_OK) {
        status = check_elements(&conv->desc, "output", output);
    }
    if (status == IC_OK && !conv->is_shaped) {
        status = ic_fail(IC_BAD_STATE, "conv was not reshaped");
    }
    if (status != IC_OK) {
        return status;
    }
    return ic_fail(IC_INVALID_ARGUMENT, "input=%p of %zu bytes and output=%p of %zu bytes overlap", input,
                   conv->input_bytes, output, conv->output_bytes);
}

ic_status ic_conv2d_run(ic_conv2d *conv, const void *input, void *output) {
    if (conv == NULL || input == NULL || output == NULL || !conv->is_shaped ||
        (((uintptr_t)input | (uintptr_t)output) & (conv->element - 1)) != 0 || overlap(conv, input, output)) {
        return refuse_run(conv, input, output);
    }
    conv->method->run(conv, input, output);
    return IC_OK;
}

ic_status ic_conv2d_get_info(const ic_conv2d *conv, ic_conv2d_info *info) {
    if (conv == NULL || info == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s is NULL", conv == NULL ? "conv" : "info");
    }
    if (info->struct_size != sizeof *info) {
        return ic_fail(IC_INVALID_ARGUMENT, "info.struct_size=%zu is not %zu", info->struct_size, sizeof *info);
    }
    if (!conv->is_shaped) {
        return ic_fail(IC_BAD_STATE, "conv was not reshaped");
    }
    info->algorithm = conv->algorithm;
    info->kernel = conv->schedule_name;
    info->batch = conv->geometry.batch;
    info->input_height = conv->geometry.input_height;
    info->input_width = conv->geometry.input_width;
    info->output_height = conv->geometry.output_height;
    info->output_width = conv->geometry.output_width;
    for (size_t kind = 0; kind < IC_MEMORY_KINDS; kind++) {
        info->bytes[kind] = conv->bytes[kind] + (conv->instead != NULL ? conv->instead->bytes[kind] : 0);
    }
    return IC_OK;
}

void ic_conv2d_destroy(ic_conv2d *conv) {
    if (conv == NULL) {
        return;
    }
    drop_shape(conv);
    ic_give_back(conv, conv->weights, IC_MEMORY_WEIGHTS);
    const ic_allocator allocator = conv->allocator;
    allocator.release(allocator.context, conv, conv->bytes[IC_MEMORY_OBJECT], IC_MEMORY_OBJECT);
}
