/* SPDX-License-Identifier: Apache-2.0 */
#include "tiles/pack.h"

#include "core/memory.h"
#include "core/type.h"

#include <string.h>

static size_t panels_of(const ic_packing *packing, const ic_kernel *kernel) {
    return packing->outputs / kernel->columns + (packing->outputs % kernel->columns != 0);
}

bool ic_packed_size(const ic_packing *packing, const ic_kernel *kernel, size_t *bytes) {
    *bytes = packing->products; /* did not overflow: the description was checked */
    return ic_add(bytes, 1) && ic_multiply(bytes, kernel->columns) && ic_multiply(bytes, panels_of(packing, kernel)) &&
           ic_multiply(bytes, packing->groups) && ic_multiply(bytes, ic_type_of(kernel->type)->bytes) &&
           ic_is_array_size(*bytes);
}

enum { DEEP = 64, WIDE = 4 };

/* packed[k][n] = rows[n][k], of WIDE rows. */
static inline void pack_wide(float *packed, const float *rows, size_t columns, size_t depth, size_t count) {
    for (size_t k = 0; k < count; k++) {
        for (size_t n = 0; n < WIDE; n++) {
            packed[k * columns + n] = rows[n * depth + k];
        }
    }
}

/* packed[k][n] = rows[n][k]. In strips of few cache lines of few rows: rows are often powers of two apart, so that the
 * same line of many would fall into one set of the cache. */
static void pack_panel(float *packed, const float *rows, size_t columns, size_t count, size_t depth) {
    for (size_t first = 0; first < depth; first += DEEP) {
        const size_t deep = depth - first < DEEP ? depth - first : DEEP;
        float *to = packed + first * columns;
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

static void pack_f32(const ic_packing *packing, const ic_kernel *kernel, const void *weights, const void *bias,
                     void *packed) {
    const size_t outputs = packing->outputs, columns = kernel->columns, depth = packing->products;
    float *to = packed;
    for (size_t group = 0; group < packing->groups; group++) {
        for (size_t first = 0; first < outputs; first += columns) {
            const size_t count = outputs - first < columns ? outputs - first : columns;
            const size_t channel = group * outputs + first;
            memset(to, 0, columns * sizeof(float));
            if (bias != NULL) {
                memcpy(to, (const float *)bias + channel, count * sizeof(float));
            }
            to += columns;
            pack_panel(to, (const float *)weights + channel * depth, columns, count, depth);
            to += depth * columns;
        }
    }
}

/* Rows (the bias, then one for each product) of channels that lie in one old panel and in one new one. */
static void move_rows(const float *from, size_t from_columns, float *to, size_t to_columns, size_t count, size_t rows) {
    for (size_t row = 0; row < rows; row++) {
        memcpy(to + row * to_columns, from + row * from_columns, count * sizeof(float));
    }
}

static void repack_f32(const ic_packing *packing, const ic_kernel *from, const void *packed, const ic_kernel *to,
                       void *repacked) {
    const size_t outputs = packing->outputs, old = from->columns, new = to->columns, rows = 1 + packing->products;
    const size_t old_panels = panels_of(packing, from), new_panels = panels_of(packing, to);
    const float *source = packed;
    float *target = repacked;
    memset(target, 0, packing->groups * new_panels * new * rows * sizeof(float));
    for (size_t group = 0; group < packing->groups; group++) {
        for (size_t first = 0, count; first < outputs; first += count) {
            const size_t in_old = old - first % old, in_new = new - first % new, left = outputs - first;
            count = in_old < in_new ? in_old : in_new;
            count = count < left ? count : left;
            move_rows(source + (first / old) * old * rows + first % old, old,
                      target + (first / new) * new * rows + first % new, new, count, rows);
        }
        source += old_panels * old * rows;
        target += new_panels * new * rows;
    }
}

static const struct {
    ic_type type;
    void (*pack)(const ic_packing *packing, const ic_kernel *kernel, const void *weights, const void *bias,
                 void *packed);
    void (*repack)(const ic_packing *packing, const ic_kernel *from, const void *packed, const ic_kernel *to,
                   void *repacked);
} packers[] = {
    {IC_TYPE_F32, pack_f32, repack_f32},
};

static size_t packer_of(ic_type type) {
    size_t i = 0;
    while (packers[i].type != type) {
        i++; /* a kernel's type has one */
    }
    return i;
}

void ic_pack_weights(const ic_packing *packing, const ic_kernel *kernel, const void *weights, const void *bias,
                     void *packed) {
    packers[packer_of(kernel->type)].pack(packing, kernel, weights, bias, packed);
}

void ic_repack_weights(const ic_packing *packing, const ic_kernel *from, const void *packed, const ic_kernel *to,
                       void *repacked) {
    packers[packer_of(from->type)].repack(packing, from, packed, to, repacked);
}
