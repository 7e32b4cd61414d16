/* SPDX-License-Identifier: Apache-2.0
 * splitmix64: the plan's shuffles are defined by it, so the host can predict every order. */
#ifndef CONVBENCH_PRNG_H
#define CONVBENCH_PRNG_H

#include <stdint.h>

#define PRNG_GOLDEN UINT64_C(0x9E3779B97F4A7C15)

static inline uint64_t prng_next(uint64_t *state) {
    uint64_t z = (*state += PRNG_GOLDEN);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Uniform in [-1, 1), a multiple of 2^-23. */
static inline float prng_float(uint64_t *state) {
    return (float)(prng_next(state) >> 40) * 0x1p-23f - 1.0f;
}

/* The order of a round: Fisher-Yates over 0..count-1, seeded by the job's seed and the round. */
static inline void prng_round_order(uint64_t seed, unsigned round, unsigned *order, unsigned count) {
    uint64_t state = seed ^ ((uint64_t)round + 1) * PRNG_GOLDEN;
    for (unsigned i = 0; i < count; i++) {
        order[i] = i;
    }
    for (unsigned i = count; i-- > 1;) {
        unsigned j = (unsigned)(prng_next(&state) % (i + 1)), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

#endif
