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

void ic_pack_weights(const ic_packing *packing, const ic_kernel *kernel, const void *weights, const void *bias,
                     void *packed) {
    const size_t outputs = packing->outputs, columns = kernel->columns, depth = packing->products;
    const size_t element = ic_type_of(kernel->type)->bytes;
    char *to = packed;
    for (size_t group = 0; group < packing->groups; group++) {
        for (size_t first = 0; first < outputs; first += columns) {
            const size_t count = outputs - first < columns ? outputs - first : columns;
            const size_t channel = group * outputs + first;
            memset(to, 0, columns * element);
            if (bias != NULL) {
                memcpy(to, (const char *)bias + channel * element, count * element);
            }
            to += columns * element;
            kernel->pack(to, (const char *)weights + channel * depth * element, columns, count, depth);
            to += depth * columns * element;
        }
    }
}

/* Rows (the bias, then one for each product) of channels that lie in one old panel and in one new one; all in bytes. */
static void move_rows(const char *from, size_t from_step, char *to, size_t to_step, size_t bytes, size_t rows) {
    for (size_t row = 0; row < rows; row++) {
        memcpy(to + row * to_step, from + row * from_step, bytes);
    }
}

void ic_repack_weights(const ic_packing *packing, const ic_kernel *from, const void *packed, const ic_kernel *to,
                       void *repacked) {
    const size_t outputs = packing->outputs, old = from->columns, new = to->columns, rows = 1 + packing->products;
    const size_t element = ic_type_of(from->type)->bytes, old_panel = old * rows * element,
                 new_panel = new * rows * element;
    const size_t old_panels = panels_of(packing, from), new_panels = panels_of(packing, to);
    const char *source = packed;
    char *target = repacked;
    memset(target, 0, packing->groups * new_panels * new_panel);
    for (size_t group = 0; group < packing->groups; group++) {
        for (size_t first = 0, count; first < outputs; first += count) {
            const size_t in_old = old - first % old, in_new = new - first % new, left = outputs - first;
            count = in_old < in_new ? in_old : in_new;
            count = count < left ? count : left;
            move_rows(source + first / old * old_panel + first % old * element, old * element,
                      target + first / new * new_panel + first % new * element, new * element, count * element, rows);
        }
        source += old_panels * old_panel;
        target += new_panels * new_panel;
    }
}
