/* SPDX-License-Identifier: Apache-2.0 */
#include "introspect.h"

#include "choice/candidates.h"
#include "choice/model.h"
#include "core/core.h"
#include "core/error.h"
#include "core/memory.h"
#include "kernels/table.h"
#include "methods/method.h"
#include "methods/nchw.h"
#include "tiles/matrix.h"
#include "tiles/tiled.h"

#include <stdio.h>
#include <string.h>

/* ISO C has no conversion from a function pointer to an object pointer; POSIX makes the bytes alike. */
static const void *address_of(ic_micro_kernel run) {
    const void *address;
    memcpy(&address, &run, sizeof address);
    return address;
}

const void *ic_kernel_address(unsigned index) {
    return address_of(ic_kernel_table(index)->run);
}

/* The object that runs. */
static const ic_conv2d *running(const ic_conv2d *conv) {
    return conv->instead != NULL ? conv->instead : conv;
}

static const ic_tiled *tiled_of(const ic_conv2d *conv) {
    conv = running(conv);
    return conv->method == &ic_method_tiled ? (const ic_tiled *)conv : NULL;
}

const void *ic_conv2d_kernel_address(const ic_conv2d *conv) {
    const void *address = NULL;
    conv = running(conv);
    if (conv->method == &ic_method_depthwise) {
        memcpy(&address, &conv->schedule.kernel->depthwise, sizeof address);
    } else if (conv->schedule.kernel != NULL) {
        address = address_of(conv->schedule.kernel->run);
    }
    return address;
}

const char *ic_conv2d_method(const ic_conv2d *conv) {
    return running(conv)->method->name;
}

const char *ic_conv2d_order(const ic_conv2d *conv) {
    static const char *const names[] = {
        [IC_ORDER_BY_RULE] = NULL, [IC_ORDER_PANELS] = "panels", [IC_ORDER_PIXELS] = "pixels"};
    const ic_tiled *tiled = tiled_of(conv);
    if (tiled != NULL) {
        return names[tiled->order];
    }
    return conv->method == &ic_method_nchw ? names[ic_planes_order(conv)] : NULL;
}

bool ic_conv2d_is_from_table(const ic_conv2d *conv) {
    return conv->is_shaped && conv->chooser.is_from_table;
}

double ic_conv2d_error_bound(const ic_conv2d *conv) {
    return running(conv)->method->error_bound(running(conv));
}

ic_bound_of ic_conv2d_bound_of(const ic_conv2d *conv) {
    return running(conv)->method->bound_of;
}

ic_status ic_conv2d_copy_only(ic_conv2d *conv, const void *input) {
    if (conv == NULL || input == NULL || !ic_is_aligned(input, conv->element)) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s is NULL, or not aligned", conv == NULL ? "conv" : "input");
    }
    if (!conv->is_shaped) {
        return ic_fail(IC_BAD_STATE, "conv was not reshaped");
    }
    if (conv->method == &ic_method_nchw) {
        ic_copy_planes(conv, input);
        return IC_OK;
    }
    const ic_tiled *tiled = tiled_of(conv);
    if (tiled == NULL || tiled->matrix == NULL) {
        return ic_fail(IC_UNSUPPORTED, "conv has no matrix");
    }
    const ic_geometry *geometry = &conv->geometry;
    const size_t pixels = geometry->output_height * geometry->output_width;
    const size_t step =
        tiled->matrix_block != 0 ? tiled->matrix_block / (tiled->packing.products * conv->element) : pixels;
    const char *image_at = input;
    for (size_t image = 0; image < geometry->batch; image++) {
        for (size_t group = 0; group < conv->desc.groups; group++) {
            const char *from = image_at + group * ic_group_inputs(&conv->desc) * conv->element;
            for (size_t first = 0; first < pixels; first += step) {
                ic_fill_matrix(conv, from, first, pixels - first < step ? pixels - first : step, tiled->matrix);
            }
        }
        image_at += geometry->input_height * geometry->input_width * conv->desc.in_channels * conv->element;
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
#if !defined(__aarch64__)               /* so is a 32-bit program on such a core */
    core.features = ic_core_features(); /* this program has no other kernels */
#endif
    ic_algorithm algorithm = IC_ALGORITHM_AUTO;
    ic_schedule schedule = {.kernel = ic_choose_kernel(&core, desc.type, ic_columns_of(&desc), IC_MANY_PIXELS)};
    ic_choose_schedule(&core, &desc, &geometry, 1, &algorithm, &schedule);
    char text[IC_SCHEDULE_NAME];
    ic_print_schedule(&schedule, text);
    snprintf(name, IC_CHOICE_NAME, "%s_%s", ic_algorithm_name(algorithm), text);
    return IC_OK;
}

bool ic_candidate_at(const ic_conv2d_desc *given, size_t batch, size_t height, size_t width, unsigned threads,
                     unsigned index, ic_algorithm *algorithm, char schedule[IC_CHOICE_NAME]) {
    ic_tuned_choice choices[IC_MOST_CANDIDATES];
    ic_conv2d_desc desc;
    ic_geometry geometry;
    if (ic_read_desc(given, &desc) != IC_OK || ic_make_geometry(&desc, batch, height, width, &geometry) != IC_OK) {
        return false;
    }
    const ic_core core = ic_core_here();
    if (index >= ic_candidates(&core, &desc, &geometry, threads, choices)) {
        return false;
    }
    *algorithm = choices[index].algorithm;
    ic_print_schedule(&choices[index].schedule, schedule);
    return true;
}
