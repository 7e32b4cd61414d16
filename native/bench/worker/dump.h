/* SPDX-License-Identifier: Apache-2.0
 * The tensors of `verify --dump`, for a check by other means. */
#ifndef CONVBENCH_DUMP_H
#define CONVBENCH_DUMP_H

#include "worker/layer_data.h"

/* <layer>.{input,weights,bias}.npy and <layer>.<name>.output.npy; the reason on failure. */
bool dump_tensors(const layer_shape *l, const layer_data *d, const char *name, const float *output, const char *folder,
                  char *reason, size_t room);

#endif
