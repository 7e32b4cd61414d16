/* SPDX-License-Identifier: Apache-2.0
 * Transposes a matrix in blocks whose rows share few cache lines, by tiles that registers hold. */
#include "worker/planes.h"

#include <string.h>

enum { SIDE = 4, BLOCK = 16 };

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define HAS_SHUFFLE 1
#endif
#endif

/* A tile of SIDE rows and columns; floats from row to row of either. */
static inline void turn_tile(float *to, size_t to_step, const float *from, size_t from_step) {
#if HAS_SHUFFLE
    typedef float vector __attribute__((vector_size(SIDE * sizeof(float))));
    vector row[SIDE], half[SIDE], column[SIDE];
    for (size_t r = 0; r < SIDE; r++) {
        memcpy(&row[r], from + r * from_step, sizeof row[r]);
    }
    for (size_t r = 0; r < SIDE; r += 2) {
        half[r] = __builtin_shufflevector(row[r], row[r + 1], 0, 4, 1, 5);
        half[r + 1] = __builtin_shufflevector(row[r], row[r + 1], 2, 6, 3, 7);
    }
    for (size_t c = 0; c < 2; c++) {
        column[2 * c] = __builtin_shufflevector(half[c], half[c + 2], 0, 1, 4, 5);
        column[2 * c + 1] = __builtin_shufflevector(half[c], half[c + 2], 2, 3, 6, 7);
    }
    for (size_t c = 0; c < SIDE; c++) {
        memcpy(to + c * to_step, &column[c], sizeof column[c]);
    }
#else
    for (size_t r = 0; r < SIDE; r++) {
        for (size_t c = 0; c < SIDE; c++) {
            to[c * to_step + r] = from[r * from_step + c];
        }
    }
#endif
}

typedef struct {
    size_t begin, end;
} range;

static range block_at(size_t begin, size_t count) {
    const range r = {begin, count - begin < BLOCK ? count : begin + BLOCK};
    return r;
}

static void turn_block(float *to, const float *from, size_t rows, size_t columns, range r, range c) {
    const size_t whole_rows = r.begin + (r.end - r.begin) / SIDE * SIDE;
    const size_t whole_columns = c.begin + (c.end - c.begin) / SIDE * SIDE;
    for (size_t column = c.begin; column < whole_columns; column += SIDE) {
        for (size_t row = r.begin; row < whole_rows; row += SIDE) {
            turn_tile(to + column * rows + row, rows, from + row * columns + column, columns);
        }
    }
    for (size_t row = r.begin; row < r.end; row++) {
        for (size_t column = row < whole_rows ? whole_columns : c.begin; column < c.end; column++) {
            to[column * rows + row] = from[row * columns + column];
        }
    }
}

/* [rows][columns] to [columns][rows], so many one after the other. */
static void turn(float *to, const float *from, size_t count, size_t rows, size_t columns) {
    for (; count != 0; count--, to += rows * columns, from += rows * columns) {
        for (size_t row = 0; row < rows; row += BLOCK) {
            for (size_t column = 0; column < columns; column += BLOCK) {
                turn_block(to, from, rows, columns, block_at(row, rows), block_at(column, columns));
            }
        }
    }
}

void planes_from_nhwc(float *nchw, const float *nhwc, size_t images, size_t pixels, size_t channels) {
    turn(nchw, nhwc, images, pixels, channels);
}

void planes_to_nhwc(float *nhwc, const float *nchw, size_t images, size_t pixels, size_t channels) {
    turn(nhwc, nchw, images, channels, pixels);
}
