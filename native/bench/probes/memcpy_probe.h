/* SPDX-License-Identifier: Apache-2.0
 * How fast libc's memcpy is where im2col copies: out of a source that is read again and again, into a matrix. */
#ifndef CONVBENCH_MEMCPY_PROBE_H
#define CONVBENCH_MEMCPY_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#define MEMCPY_PROBE_LIMIT ((size_t)1 << 30) /* of source and target each */

/* Nanoseconds to write `total_bytes` by memcpy out of a source of `source_bytes`, starting again at its start whenever
 * it ends. The median over placements, each at other pages and lines of an arena; one untimed pass, then one window of
 * several. False: too little memory. */
bool memcpy_probe(size_t source_bytes, size_t total_bytes, double *ns);

#endif
