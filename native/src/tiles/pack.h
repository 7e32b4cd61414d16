/* SPDX-License-Identifier: Apache-2.0
 * Packed weights: [group][panel][bias NR][product][NR], NR being the kernel's columns; a panel that is not full ends
 * each row with zeros. The kernel reads one panel from start to end. */
#ifndef IC_PACK_H
#define IC_PACK_H

#include "kernels/kernel.h"

/* What is packed. For a depthwise kernel all groups, of one channel each, are the outputs of one group. */
typedef struct {
    size_t groups;
    size_t outputs;  /* of a group */
    size_t products; /* of an output */
} ic_packing;

/* False on overflow. */
bool ic_packed_size(const ic_packing *packing, const ic_kernel *kernel, size_t *bytes);

/* Elements of one packed panel: bias, then weights. */
static inline size_t ic_panel_elements(const ic_packing *packing, const ic_kernel *kernel) {
    return (1 + packing->products) * kernel->columns;
}

/* bias NULL: zeros. */
void ic_pack_weights(const ic_packing *packing, const ic_kernel *kernel, const void *weights, const void *bias,
                     void *packed);

/* From what is packed for one kernel to what is packed for another of the same type. */
void ic_repack_weights(const ic_packing *packing, const ic_kernel *from, const void *packed, const ic_kernel *to,
                       void *repacked);

#endif
