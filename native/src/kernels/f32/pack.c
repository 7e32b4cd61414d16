/* SPDX-License-Identifier: Apache-2.0
 * In strips of few cache lines of few rows: rows are often powers of two apart, so that the same line of many would
 * fall into one set of the cache. */
#include "kernels/f32/f32.h"

enum { DEEP = 64, WIDE = 4 };

/* packed[k][n] = rows[n][k], of WIDE rows. */
static inline void pack_wide(float *packed, const float *rows, size_t columns, size_t depth, size_t count) {
    for (size_t k = 0; k < count; k++) {
        for (size_t n = 0; n < WIDE; n++) {
            packed[k * columns + n] = rows[n * depth + k];
        }
    }
}

void ic_f32_pack(void *packed, const void *weights, size_t columns, size_t count, size_t depth) {
    const float *rows = weights;
    for (size_t first = 0; first < depth; first += DEEP) {
        const size_t deep = depth - first < DEEP ? depth - first : DEEP;
        float *to = (float *)packed + first * columns;
        size_t n = 0;
        for (; n + WIDE <= count && deep == DEEP; n += WIDE) {
            pack_wide(to + n, rows + n * depth + first, columns, depth, DEEP);
        }
        for (; n < columns; n++) {
            for (size_t k = 0; k < deep; k++) {
                to[k * columns + n] = n < count ? rows[n * depth + first + k] : 0.0f;
            }
        }
    }
}
