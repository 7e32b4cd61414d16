/* SPDX-License-Identifier: Apache-2.0
 * What a command prints: one value of JSON on a line. */
#ifndef CONVBENCH_OUTPUT_H
#define CONVBENCH_OUTPUT_H

#include "wire/json.h"

int output_print(json *j); /* to stdout, and frees it; an exit code */

#endif
