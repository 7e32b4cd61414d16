/* SPDX-License-Identifier: Apache-2.0 */
#include "methods/panels.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"

static ic_status take_panels(ic_conv2d *conv, const ic_packing *packing, const ic_kernel *kernel, void **packed) {
    size_t bytes;
    if (!ic_packed_size(packing, kernel, &bytes)) {
        return ic_fail(IC_OVERFLOW, "desc: the weights are no array once they are packed for %s", kernel->name);
    }
    *packed = ic_take(conv, bytes, IC_MEMORY_WEIGHTS);
    return *packed != NULL ? IC_OK : ic_fail_memory("the packed weights", bytes);
}

ic_status ic_make_panels(ic_conv2d *conv, const ic_packing *packing, const void *weights, const void *bias) {
    const ic_status status = take_panels(conv, packing, conv->schedule.kernel, &conv->weights);
    if (status == IC_OK) {
        ic_pack_weights(packing, conv->schedule.kernel, weights, bias, conv->weights);
    }
    return status;
}

static ic_status change_kernel(ic_conv2d *conv, const ic_packing *packing, const ic_kernel *kernel) {
    const ic_kernel *before = conv->schedule.kernel;
    const size_t old_bytes = conv->bytes[IC_MEMORY_WEIGHTS];
    void *made;
    if (kernel->columns != before->columns) {
        const ic_status status = take_panels(conv, packing, kernel, &made);
        if (status != IC_OK) {
            return status;
        }
        ic_repack_weights(packing, before, conv->weights, kernel, made);
        conv->allocator.release(conv->allocator.context, conv->weights, old_bytes, IC_MEMORY_WEIGHTS);
        conv->weights = made;
    }
    conv->schedule.kernel = kernel;
    return IC_OK;
}

ic_status ic_choose_panels(ic_conv2d *conv, const ic_packing *packing) {
    if (conv->chooser.model_kernel == NULL) {
        return IC_OK;
    }
    const ic_tuned_choice choice = ic_choose(&conv->chooser, &conv->desc, &conv->geometry, ic_pool_threads(conv->pool));
    const ic_status status = change_kernel(conv, packing, choice.schedule.kernel);
    if (status == IC_OK) {
        conv->algorithm = choice.algorithm;
        conv->schedule = choice.schedule;
    }
    return status;
}
