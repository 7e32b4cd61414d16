/* SPDX-License-Identifier: Apache-2.0
 * The layers that kernels are judged on, and what auto would choose for them on an arm64 core. */
#ifndef CONVBENCH_PANEL_H
#define CONVBENCH_PANEL_H

#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

bool panel_parse_midr(const char *text, uint64_t *midr); /* hexadecimal, 1 to 32 bits, with or without 0x */
bool panel_print(uint64_t midr, json *j);                /* false: the library refused a layer */

#endif
