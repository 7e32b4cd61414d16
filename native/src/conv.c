/* SPDX-License-Identifier: Apache-2.0
 * Life of an object: create, reshape, run, destroy. */
#include "conv.h"
#include "cpu.h"
#include "introspect.h"
#include "memory.h"

#include <string.h>

/* The naive algorithm has no micro-kernel; this is what it calls itself. */
static const char naive_kernel[] = "loops";

static void *take(ic_conv2d *conv, size_t bytes, ic_memory kind) {
    void *memory = conv->allocator.allocate(conv->allocator.context, bytes, IC_ALIGNMENT, kind);
    if (memory != NULL) {
        conv->bytes[kind] = bytes;
    }
    return memory;
}

static void give_back(ic_conv2d *conv, void *memory, ic_memory kind) {
    if (memory != NULL) {
        conv->allocator.release(conv->allocator.context, memory, conv->bytes[kind], kind);
        conv->bytes[kind] = 0;
    }
}

static ic_status choose_kernel(ic_algorithm algorithm, const char *name, const ic_kernel **kernel) {
    *kernel = NULL;
    if (algorithm == IC_ALGORITHM_NAIVE) {
        return name == NULL || strcmp(name, naive_kernel) == 0 ? IC_OK : IC_UNKNOWN_KERNEL;
    }
    const unsigned features = ic_cpu_detect();
    if (name != NULL) {
        *kernel = ic_kernel_find(name);
        if (*kernel == NULL) {
            return IC_UNKNOWN_KERNEL;
        }
        return ((*kernel)->needs & ~features) == 0 ? IC_OK : IC_UNSUPPORTED_HARDWARE;
    }
    unsigned index = 0;
    do {
        *kernel = ic_kernel_table(index++); /* the last one needs nothing */
    } while (((*kernel)->needs & ~features) != 0);
    return IC_OK;
}

static ic_status store_weights(ic_conv2d *conv, const float *weights, const float *bias) {
    const ic_conv2d_desc *desc = &conv->desc;
    size_t bytes;
    if (conv->kernel != NULL) {
        if (!ic_packed_weights_size(conv, &bytes)) {
            return IC_OVERFLOW;
        }
        conv->weights = take(conv, bytes, IC_MEMORY_WEIGHTS);
        if (conv->weights == NULL) {
            return IC_OUT_OF_MEMORY;
        }
        ic_pack_weights(conv, weights, bias);
        return IC_OK;
    }
    const size_t count = desc->out_channels * ic_taps(desc) * ic_group_inputs(desc);
    bytes = count;
    if (!ic_add(&bytes, desc->out_channels) || !ic_multiply(&bytes, sizeof(float)) || !ic_is_array_size(bytes)) {
        return IC_OVERFLOW;
    }
    conv->weights = take(conv, bytes, IC_MEMORY_WEIGHTS);
    if (conv->weights == NULL) {
        return IC_OUT_OF_MEMORY;
    }
    memcpy(conv->weights, weights, count * sizeof(float));
    if (bias != NULL) {
        memcpy(conv->weights + count, bias, desc->out_channels * sizeof(float));
    } else {
        memset(conv->weights + count, 0, desc->out_channels * sizeof(float));
    }
    return IC_OK;
}

static ic_status store_padding(ic_conv2d *conv) {
    if (conv->algorithm != IC_ALGORITHM_INDIRECT || !ic_has_padding(&conv->desc)) {
        return IC_OK;
    }
    const size_t bytes = ic_group_inputs(&conv->desc) * sizeof(float);
    conv->padding = take(conv, bytes, IC_MEMORY_PADDING);
    if (conv->padding == NULL) {
        return IC_OUT_OF_MEMORY;
    }
    memset(conv->padding, 0, bytes);
    return IC_OK;
}

static ic_status check_options(const ic_options *options) {
    if (options->struct_size != sizeof *options || (unsigned)options->algorithm > IC_ALGORITHM_INDIRECT) {
        return IC_INVALID_ARGUMENT;
    }
    const ic_allocator *allocator = options->allocator;
    return allocator == NULL || (allocator->allocate != NULL && allocator->release != NULL) ? IC_OK
                                                                                            : IC_INVALID_ARGUMENT;
}

ic_status ic_conv2d_create(const ic_conv2d_desc *desc, const float *weights, const float *bias,
                           const ic_options *options, ic_conv2d **conv) {
    static const ic_options defaults = {sizeof defaults, IC_ALGORITHM_INDIRECT, NULL, NULL};
    const ic_kernel *kernel;
    if (conv == NULL) {
        return IC_INVALID_ARGUMENT;
    }
    *conv = NULL;
    if (desc == NULL || weights == NULL) {
        return IC_INVALID_ARGUMENT;
    }
    if (options == NULL) {
        options = &defaults;
    }
    ic_status status = check_options(options);
    if (status == IC_OK) {
        status = ic_check_desc(desc);
    }
    if (status == IC_OK && options->algorithm == IC_ALGORITHM_DIRECT && !ic_reads_in_place(desc)) {
        status = IC_UNSUPPORTED;
    }
    if (status == IC_OK) {
        status = choose_kernel(options->algorithm, options->kernel, &kernel);
    }
    if (status != IC_OK) {
        return status;
    }

    const ic_allocator allocator = options->allocator != NULL ? *options->allocator : ic_default_allocator();
    ic_conv2d *made = allocator.allocate(allocator.context, sizeof *made, IC_ALIGNMENT, IC_MEMORY_OBJECT);
    if (made == NULL) {
        return IC_OUT_OF_MEMORY;
    }
    *made = (ic_conv2d){.desc = *desc, .algorithm = options->algorithm, .allocator = allocator, .kernel = kernel};
    made->bytes[IC_MEMORY_OBJECT] = sizeof *made;
    status = store_weights(made, weights, bias);
    if (status == IC_OK) {
        status = store_padding(made);
    }
    if (status != IC_OK) {
        ic_conv2d_destroy(made);
        return status;
    }
    *conv = made;
    return IC_OK;
}

static void drop_shape(ic_conv2d *conv) {
    give_back(conv, conv->offsets, IC_MEMORY_POINTERS);
    give_back(conv, conv->matrix, IC_MEMORY_MATRIX);
    conv->offsets = NULL;
    conv->matrix = NULL;
    conv->is_shaped = false;
}

ic_status ic_conv2d_reshape(ic_conv2d *conv, size_t batch, size_t height, size_t width) {
    if (conv == NULL) {
        return IC_INVALID_ARGUMENT;
    }
    const ic_geometry *old = &conv->geometry;
    const bool same_image = conv->is_shaped && old->input_height == height && old->input_width == width;
    if (same_image && old->batch == batch) {
        return IC_OK;
    }
    ic_geometry geometry;
    const ic_status status = ic_make_geometry(&conv->desc, batch, height, width, &geometry);
    if (status != IC_OK) {
        drop_shape(conv);
        return status;
    }
    if (same_image) { /* buffers are per image */
        conv->geometry = geometry;
        return IC_OK;
    }
    drop_shape(conv);
    conv->geometry = geometry;
    size_t bytes;
    if (conv->algorithm == IC_ALGORITHM_INDIRECT) {
        if (!ic_indirection_size(&conv->desc, &geometry, &bytes)) {
            return IC_OVERFLOW;
        }
        conv->offsets = take(conv, bytes, IC_MEMORY_POINTERS);
        if (conv->offsets == NULL) {
            return IC_OUT_OF_MEMORY;
        }
        ic_fill_indirection(conv);
    } else if (conv->algorithm == IC_ALGORITHM_IM2COL && !ic_reads_in_place(&conv->desc)) {
        if (!ic_matrix_size(&conv->desc, &geometry, &bytes)) {
            return IC_OVERFLOW;
        }
        conv->matrix = take(conv, bytes, IC_MEMORY_MATRIX);
        if (conv->matrix == NULL) {
            return IC_OUT_OF_MEMORY;
        }
    }
    conv->is_shaped = true;
    return IC_OK;
}

ic_status ic_conv2d_run(ic_conv2d *conv, const float *input, float *output) {
    if (conv == NULL || input == NULL || output == NULL) {
        return IC_INVALID_ARGUMENT;
    }
    if (!conv->is_shaped) {
        return IC_BAD_STATE;
    }
    switch (conv->algorithm) {
    case IC_ALGORITHM_NAIVE:
        ic_run_naive(conv, input, output);
        break;
    case IC_ALGORITHM_INDIRECT:
        ic_run_indirect(conv, input, output);
        break;
    case IC_ALGORITHM_IM2COL:
    case IC_ALGORITHM_DIRECT:
        if (conv->matrix == NULL) {
            ic_run_in_place(conv, input, output);
        } else {
            ic_run_im2col(conv, input, output);
        }
        break;
    }
    return IC_OK;
}

ic_status ic_conv2d_get_info(const ic_conv2d *conv, ic_conv2d_info *info) {
    if (conv == NULL || info == NULL || info->struct_size != sizeof *info) {
        return IC_INVALID_ARGUMENT;
    }
    if (!conv->is_shaped) {
        return IC_BAD_STATE;
    }
    info->algorithm = conv->algorithm;
    info->kernel = conv->kernel != NULL ? conv->kernel->name : naive_kernel;
    info->batch = conv->geometry.batch;
    info->input_height = conv->geometry.input_height;
    info->input_width = conv->geometry.input_width;
    info->output_height = conv->geometry.output_height;
    info->output_width = conv->geometry.output_width;
    memcpy(info->bytes, conv->bytes, sizeof info->bytes);
    return IC_OK;
}

void ic_conv2d_destroy(ic_conv2d *conv) {
    if (conv == NULL) {
        return;
    }
    drop_shape(conv);
    give_back(conv, conv->padding, IC_MEMORY_PADDING);
    give_back(conv, conv->weights, IC_MEMORY_WEIGHTS);
    const ic_allocator allocator = conv->allocator;
    allocator.release(allocator.context, conv, sizeof *conv, IC_MEMORY_OBJECT);
}
