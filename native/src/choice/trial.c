/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200112L /* clock_gettime */
#include "choice/trial.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/type.h"

#include <stdlib.h>
#include <time.h>

enum { CALLS = 256 };

double ic_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ic_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_size);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

ic_trial ic_make_trial(const ic_conv2d_desc *desc, const ic_geometry *geometry, const ic_allocator *allocator,
                       ic_pool *pool) {
    const ic_sizes sizes = ic_sizes_of(desc, geometry, 1);
    const size_t batch = geometry->batch, inputs = geometry->input_height * geometry->input_width * desc->in_channels;
    const ic_trial t = {.desc = desc,
                        .geometry = *geometry,
                        .allocator = *allocator,
                        .pool = pool,
                        .weight_bytes = desc->out_channels * sizes.depth * sizes.element,
                        .input_bytes = batch * inputs * sizes.element,
                        .output_bytes = batch * sizes.pixels * desc->out_channels * sizes.element,
                        .most_extra = sizes.most_extra};
    return t;
}

static void *take(const ic_trial *t, size_t bytes) {
    return t->allocator.allocate(t->allocator.context, bytes, IC_ALIGNMENT, IC_MEMORY_OBJECT);
}

static void give_back(const ic_trial *t, void *memory, size_t bytes) {
    if (memory != NULL) {
        t->allocator.release(t->allocator.context, memory, bytes, IC_MEMORY_OBJECT);
    }
}

void ic_give_back_tensors(ic_trial *t) {
    give_back(t, t->output, t->output_bytes);
    give_back(t, t->input, t->input_bytes);
    give_back(t, t->weights, t->weight_bytes);
}

ic_status ic_take_tensors(ic_trial *t) {
    const ic_element *element = ic_type_of(t->desc->type);
    t->weights = take(t, t->weight_bytes);
    t->input = take(t, t->input_bytes);
    t->output = take(t, t->output_bytes);
    if (t->weights == NULL || t->input == NULL || t->output == NULL) {
        ic_give_back_tensors(t);
        return ic_fail_memory("the tensors of ic_autotune", t->weight_bytes + t->input_bytes + t->output_bytes);
    }
    element->fill(t->weights, t->weight_bytes / element->bytes);
    element->fill(t->input, t->input_bytes / element->bytes);
    return IC_OK;
}

ic_status ic_try_object(const ic_trial *t, ic_algorithm algorithm, const char *schedule, ic_conv2d **conv,
                        ic_conv2d_info *info) {
    const ic_options options = {.struct_size = sizeof options,
                                .algorithm = algorithm,
                                .kernel = schedule,
                                .allocator = &t->allocator,
                                .pool = t->pool};
    *info = (ic_conv2d_info){.struct_size = sizeof *info};
    ic_status status = ic_conv2d_create(t->desc, t->weights, NULL, &options, conv);
    if (status == IC_OK) {
        status = ic_conv2d_reshape(*conv, t->geometry.batch, t->geometry.input_height, t->geometry.input_width);
    }
    if (status == IC_OK) {
        status = ic_conv2d_get_info(*conv, info);
    }
    if (status != IC_OK) {
        ic_conv2d_destroy(*conv);
        *conv = NULL;
    }
    return status;
}

static double call_ns(const ic_trial *t, ic_conv2d *conv) {
    const double start = ic_now_ns();
    ic_conv2d_run(conv, t->input, t->output);
    return ic_now_ns() - start;
}

static size_t extra_bytes(const ic_conv2d_info *info) {
    return info->bytes[IC_MEMORY_POINTERS] + info->bytes[IC_MEMORY_MATRIX];
}

ic_status ic_try_calls(const ic_trial *t, ic_algorithm algorithm, const char *schedule, bool is_any, double slice,
                       double hopeless, double *ns) {
    double calls[CALLS];
    ic_conv2d *conv;
    ic_conv2d_info info;
    *ns = 0;
    const ic_status status = ic_try_object(t, algorithm, schedule, &conv, &info);
    if (status == IC_OUT_OF_MEMORY) {
        return is_any ? status : IC_OK; /* another may need less */
    }
    if (status != IC_OK) {
        return status;
    }
    if (is_any || extra_bytes(&info) <= t->most_extra) {
        size_t count = 0;
        double total = 0;
        double first = call_ns(t, conv); /* with a cold cache */
        for (unsigned again = 0; again < 3 && first > hopeless && total < slice; again++) {
            const double next = call_ns(t, conv);
            total += next;
            first = next < first ? next : first;
        }
        if (hopeless != 0 && first > hopeless) {
            *ns = first;
        } else {
            do {
                calls[count] = call_ns(t, conv);
                total += calls[count++];
            } while (count < CALLS && total < slice);
            *ns = ic_median(calls, count);
        }
    }
    ic_conv2d_destroy(conv);
    return IC_OK;
}
