/* SPDX-License-Identifier: Apache-2.0
 * How fast the core reads from beyond its caches right now: from a memory that is read on and on, a piece at a time,
 * and is so large that a piece has left the caches when its turn comes again. What a sample leaves in them has no part
 * in it. */
#ifndef CONVBENCH_READ_PROBE_H
#define CONVBENCH_READ_PROBE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char *memory; /* NULL: there is none */
    size_t bytes, next;
} read_probe;

/* Twice the last-level cache, up to 64 MiB, where that is no more than `most`; faulted in. */
void read_probe_open(read_probe *r, uint64_t llc, size_t most);
double read_probe_gbps(read_probe *r); /* the fastest of three pieces; -1 without memory */

#endif
