/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/kernel.h"

const char *kernel_default(ic_type type) {
    ic_kernel_info kernel = IC_KERNEL_INFO_INIT;
    unsigned index = 0;
    while (ic_kernel_get_info(index++, &kernel) == IC_OK) {
        if (kernel.type == type && kernel.is_supported) {
            return kernel.name;
        }
    }
    return ""; /* never: every type has a kernel that needs nothing */
}
