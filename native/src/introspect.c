/* SPDX-License-Identifier: Apache-2.0 */
#include "introspect.h"
#include "choice/model.h"
#include "object.h"
#include "core/core.h"
#include "methods/depthwise.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

/* ISO C has no conversion from a function pointer to an object pointer; POSIX makes the bytes alike. */
static const void *address_of(ic_micro_kernel run) {
    const void *address;
    memcpy(&address, &run, sizeof address);
    return address;
}

bool ic_kernel_at(unsigned index, ic_kernel_view *view) {
    const ic_kernel *kernel = ic_kernel_table(index);
    if (kernel == NULL) {
        return false;
    }
    view->name = kernel->name;
    view->isa = kernel->isa;
    view->features = kernel->features;
    view->rows = kernel->rows;
    view->columns = kernel->columns;
    view->supported = (kernel->needs & ~ic_core_features()) == 0;
    view->address = address_of(kernel->run);
    return true;
}

const void *ic_conv2d_kernel_address(const ic_conv2d *conv) {
    const void *address = NULL;
    if (conv->is_depthwise) {
        memcpy(&address, &conv->schedule.kernel->depthwise, sizeof address);
    } else if (conv->schedule.kernel != NULL) {
        address = address_of(conv->schedule.kernel->run);
    }
    return address;
}

const char *ic_conv2d_order(const ic_conv2d *conv) {
    static const char *const names[] = {
        [IC_ORDER_BY_RULE] = NULL, [IC_ORDER_PANELS] = "panels", [IC_ORDER_PIXELS] = "pixels"};
    return names[conv->order];
}

bool ic_conv2d_is_from_table(const ic_conv2d *conv) {
    return conv->is_shaped && conv->is_from_table;
}

ic_status ic_conv2d_copy_only(ic_conv2d *conv, const float *input) {
    if (conv == NULL || input == NULL || !ic_is_aligned(input)) {
        return IC_INVALID_ARGUMENT;
    }
    if (!conv->is_shaped) {
        return IC_BAD_STATE;
    }
    if (conv->matrix == NULL) {
        return IC_UNSUPPORTED;
    }
    const ic_geometry *geometry = &conv->geometry;
    const size_t pixels = geometry->output_height * geometry->output_width;
    for (size_t image = 0; image < geometry->batch; image++) {
        for (size_t group = 0; group < conv->desc.groups; group++) {
            const float *from = input + group * ic_group_inputs(&conv->desc);
            size_t step = pixels;
            if (conv->matrix_block != 0) {
                step = conv->matrix_block / (ic_taps(&conv->desc) * ic_group_inputs(&conv->desc));
            }
            for (size_t first = 0; first < pixels; first += step) {
                ic_fill_matrix(conv, from, first, pixels - first < step ? pixels - first : step, conv->matrix);
            }
        }
        input += geometry->input_height * geometry->input_width * conv->desc.in_channels;
    }
    return IC_OK;
}

ic_status ic_choice_for_midr(uint64_t midr, const ic_conv2d_desc *given, size_t height, size_t width,
                             char name[IC_CHOICE_NAME]) {
    ic_core core = ic_core_of_midr(midr);
    ic_conv2d_desc desc;
    ic_geometry geometry;
    ic_status status = ic_read_desc(given, &desc);
    if (status == IC_OK) {
        status = ic_make_geometry(&desc, 1, height, width, &geometry);
    }
    if (status != IC_OK) {
        return status;
    }
#if !defined(__aarch64__)
    core.features = ic_core_features(); /* this program has no other kernels */
#endif
    ic_algorithm algorithm = IC_ALGORITHM_AUTO;
    ic_schedule schedule = {ic_choose_kernel(&core, ic_columns_of(&desc), IC_MANY_PIXELS), IC_SPLIT_NOT, 0,
                            IC_ORDER_BY_RULE, false};
    ic_choose_schedule(&core, &desc, &geometry, 1, &algorithm, &schedule);
    char text[IC_SCHEDULE_NAME];
    ic_print_schedule(&schedule, text);
    snprintf(name, IC_CHOICE_NAME, "%s_%s", ic_algorithm_name(algorithm), text);
    return IC_OK;
}
