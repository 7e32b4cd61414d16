/* SPDX-License-Identifier: Apache-2.0
 * SHA-256 of a buffer as 64 hex digits: ties records to the plan they were made from. */
#ifndef CONVBENCH_SHA256_H
#define CONVBENCH_SHA256_H

#include <stddef.h>

void sha256_hex(const void *data, size_t bytes, char hex[65]);

#endif
