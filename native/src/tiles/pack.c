/* SPDX-License-Identifier: Apache-2.0
 * Packed weights: [group][panel][bias NR][tap][channel][NR], NR being the kernel's columns; a panel that is not full
 * ends each row with zeros. The kernel reads one panel from start to end. For a depthwise kernel all groups, of one
 * channel each, are packed as the outputs of one group. */
#include "object.h"
#include "core/memory.h"

#include <string.h>

static size_t packed_groups(const ic_conv2d *conv) {
    return conv->is_depthwise ? 1 : conv->desc.groups;
}

static size_t packed_outputs(const ic_conv2d *conv) {
    return conv->desc.out_channels / packed_groups(conv);
}

static size_t panels(const ic_conv2d *conv) {
    const size_t outputs = packed_outputs(conv), columns = conv->schedule.kernel->columns;
    return outputs / columns + (outputs % columns != 0);
}

size_t ic_panel_floats(const ic_conv2d *conv) {
    return (1 + ic_taps(&conv->desc) * ic_group_inputs(&conv->desc)) * conv->schedule.kernel->columns;
}

bool ic_packed_weights_size(const ic_conv2d *conv, size_t *bytes) {
    *bytes = ic_taps(&conv->desc); /* does not overflow: the description was checked */
    if (!ic_multiply(bytes, ic_group_inputs(&conv->desc)) || !ic_add(bytes, 1)) {
        return false;
    }
    return ic_multiply(bytes, conv->schedule.kernel->columns) && ic_multiply(bytes, panels(conv)) &&
           ic_multiply(bytes, packed_groups(conv)) && ic_multiply(bytes, sizeof(float)) && ic_is_array_size(*bytes);
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

void ic_pack_weights(ic_conv2d *conv, const float *weights, const float *bias) {
    const size_t outputs = packed_outputs(conv), columns = conv->schedule.kernel->columns;
    const size_t depth = ic_taps(&conv->desc) * ic_group_inputs(&conv->desc);
    float *packed = conv->weights;
    for (size_t group = 0; group < packed_groups(conv); group++) {
        for (size_t first = 0; first < outputs; first += columns) {
            const size_t count = outputs - first < columns ? outputs - first : columns;
            const size_t channel = group * outputs + first;
            memset(packed, 0, columns * sizeof(float));
            if (bias != NULL) {
                memcpy(packed, bias + channel, count * sizeof(float));
            }
            packed += columns;
            pack_panel(packed, weights + channel * depth, columns, count, depth);
            packed += depth * columns;
        }
    }
}

/* Rows (the bias, then one for each product) of channels that lie in one old panel and in one new one. */
static void move_rows(const float *from, size_t from_columns, float *to, size_t to_columns, size_t count, size_t rows) {
    for (size_t row = 0; row < rows; row++) {
        memcpy(to + row * to_columns, from + row * from_columns, count * sizeof(float));
    }
}

void ic_repack_weights(const ic_conv2d *conv, const ic_kernel *from, const float *packed, const ic_kernel *to,
                       float *repacked) {
    const size_t outputs = packed_outputs(conv), old = from->columns, new = to->columns;
    const size_t rows = 1 + ic_taps(&conv->desc) * ic_group_inputs(&conv->desc);
    const size_t old_panels = outputs / old + (outputs % old != 0), new_panels = outputs / new + (outputs % new != 0);
    memset(repacked, 0, packed_groups(conv) * new_panels * new * rows * sizeof(float));
    for (size_t group = 0; group < packed_groups(conv); group++) {
        for (size_t first = 0, count; first < outputs; first += count) {
            const size_t in_old = old - first % old, in_new = new - first % new, left = outputs - first;
            count = in_old < in_new ? in_old : in_new;
            count = count < left ? count : left;
            move_rows(packed + (first / old) * old * rows + first % old, old,
                      repacked + (first / new) * new * rows + first % new, new, count, rows);
        }
        packed += old_panels * old * rows;
        repacked += new_panels * new * rows;
    }
}
