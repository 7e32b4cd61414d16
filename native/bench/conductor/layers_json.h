/* SPDX-License-Identifier: Apache-2.0
 * layers.json of `verify --dump`: what the layers are, for a check by other means. */
#ifndef CONVBENCH_LAYERS_JSON_H
#define CONVBENCH_LAYERS_JSON_H

#include "wire/plan.h"

bool layers_json_write(const plan *p, const char *folder); /* says on stderr why not */

#endif
