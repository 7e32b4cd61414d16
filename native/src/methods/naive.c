/* SPDX-License-Identifier: Apache-2.0
 * The definition: seven loops, nothing clever. The weights are the caller's, then the bias. */
#include "core/error.h"
#include "core/memory.h"
#include "kernels/f32/f32.h"
#include "methods/method.h"

#include <string.h>

typedef void (*loops)(const ic_conv2d_desc *desc, const ic_geometry *geometry, const void *weights, const void *input,
                      void *output);

static const struct {
    ic_type type;
    loops run;
} by_type[] = {
    {IC_TYPE_F32, ic_f32_loops},
};

/* NULL: none. */
static loops loops_of(ic_type type) {
    for (size_t i = 0; i < sizeof by_type / sizeof by_type[0]; i++) {
        if (by_type[i].type == type) {
            return by_type[i].run;
        }
    }
    return NULL;
}

static bool covers(const ic_conv2d *conv) {
    return conv->chooser.asked == IC_ALGORITHM_NAIVE && loops_of(conv->desc.type) != NULL;
}

static ic_status pack(ic_conv2d *conv, const void *weights, const void *bias) {
    const ic_conv2d_desc *desc = &conv->desc;
    const size_t count = desc->out_channels * ic_taps(desc) * ic_group_inputs(desc);
    size_t bytes = count;
    if (!ic_add(&bytes, desc->out_channels) || !ic_multiply(&bytes, conv->element) || !ic_is_array_size(bytes)) {
        return ic_fail(IC_OVERFLOW, "desc: weights and bias are no array");
    }
    char *packed = ic_take(conv, bytes, IC_MEMORY_WEIGHTS);
    if (packed == NULL) {
        return ic_fail_memory("the weights", bytes);
    }
    const size_t weight_bytes = count * conv->element;
    memcpy(packed, weights, weight_bytes);
    if (bias != NULL) {
        memcpy(packed + weight_bytes, bias, bytes - weight_bytes);
    } else {
        memset(packed + weight_bytes, 0, bytes - weight_bytes);
    }
    conv->weights = packed;
    return IC_OK;
}

static ic_status shape(ic_conv2d *conv) {
    (void)conv;
    return IC_OK;
}

static void release(ic_conv2d *conv) {
    (void)conv;
}

static void run(const ic_conv2d *conv, const void *input, void *output) {
    loops_of(conv->desc.type)(&conv->desc, &conv->geometry, conv->weights, input, output);
}

const ic_method ic_method_naive = {"naive",          sizeof(ic_conv2d),   covers, pack, shape, run, release,
                                   ic_bound_of_sums, IC_BOUND_OF_PRODUCTS};
