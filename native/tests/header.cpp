/* SPDX-License-Identifier: Apache-2.0
 * The public header from C++: compiled, not run. */
#include "indirectconv.h"

/* Every initialiser sets the size, and nothing else. */
bool are_sized() {
    const ic_conv2d_desc desc = IC_CONV2D_DESC_INIT;
    const ic_options options = IC_OPTIONS_INIT;
    const ic_pool_options pool = IC_POOL_OPTIONS_INIT;
    const ic_conv2d_info info = IC_CONV2D_INFO_INIT;
    const ic_kernel_info kernel = IC_KERNEL_INFO_INIT;
    const ic_tuned_entry entry = IC_TUNED_ENTRY_INIT;
    const ic_tune_options tune = IC_TUNE_OPTIONS_INIT;
    const ic_tuning tuning = IC_TUNING_INIT;
    return desc.struct_size == sizeof desc && options.algorithm == IC_ALGORITHM_INDIRECT && pool.threads == 0 &&
           info.kernel == nullptr && kernel.name == nullptr && entry.desc.struct_size == sizeof desc &&
           tune.allocator == nullptr && tuning.candidates == 0;
}
