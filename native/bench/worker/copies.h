/* SPDX-License-Identifier: Apache-2.0
 * The copies that cache mode `rotate` goes through, so that each call finds weights, output, pointers and matrix cold.
 */
#ifndef CONVBENCH_COPIES_H
#define CONVBENCH_COPIES_H

#include "worker/sample.h"

/* 1 + the last-level cache over the bytes of one; 1 in hot. */
unsigned copies_count(const sample_request *request);

#endif
