/* SPDX-License-Identifier: Apache-2.0 */
#include "tiles/planes.h"

#include "core/memory.h"

#include <string.h>

enum { CHANNELS = 64, FIXED_ROWS = 2, VECTOR = 4 }; /* of a part; before the products; floats that are copied at once */

ic_planes ic_planes_of(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t columns) {
    ic_planes p = {.rows = ic_row_axis(desc, geometry),
                   .columns_of_row = ic_column_axis(desc, geometry),
                   .pixels = geometry->output_height * geometry->output_width,
                   .columns = columns,
                   .taps = ic_taps(desc),
                   .kernel_width = desc->kernel_width,
                   .channels = ic_group_inputs(desc)};
    p.panels = p.pixels / columns + (p.pixels % columns != 0);
    p.panel = (FIXED_ROWS + p.taps * p.channels) * columns;
    if (p.taps == 1 && desc->stride_height == 1 && desc->stride_width == 1 && !ic_has_padding(desc)) {
        const ic_axis one = {1, 1, 1, 1, 1, 0}, all = {p.pixels, p.pixels, 1, 1, 1, 0};
        p.rows = one;
        p.columns_of_row = all;
    }
    return p;
}

bool ic_planes_matrix_size(const ic_planes *p, size_t *bytes) {
    *bytes = p->taps;
    return ic_multiply(bytes, p->channels) && ic_add(bytes, FIXED_ROWS) && ic_multiply(bytes, p->columns) &&
           ic_multiply(bytes, p->panels) && ic_multiply(bytes, sizeof(float)) && ic_is_array_size(*bytes);
}

void ic_begin_planes_matrix(const ic_planes *p, float *matrix) {
    memset(matrix, 0, p->panels * p->panel * sizeof(float));
    for (size_t panel = 0; panel < p->panels; panel++, matrix += p->panel) {
        for (size_t column = 0; column < p->columns; column++) {
            matrix[column] = -0.0f;
            matrix[p->columns + column] = 1.0f;
        }
    }
}

static size_t channel_parts(const ic_planes *p) {
    return p->channels / CHANNELS + (p->channels % CHANNELS != 0);
}

size_t ic_planes_parts(const ic_planes *p) {
    return p->panels * p->taps * channel_parts(p);
}

/* Neighbours in a row of the output, of which the first `before` and the last `after` have the tap in the padding. */
typedef struct {
    const float *from; /* that the first one reads that reads any, in the first plane */
    float *to;
    size_t before, copied, after;
    size_t channels, plane, step, stride; /* floats from plane to plane, from row to row of the matrix, and from pixel
                                             to pixel of the input */
} stretch;

static inline void copy_neighbours(float *to, const float *from, size_t count) {
    size_t i = 0;
    for (; i + 4 * VECTOR <= count; i += 4 * VECTOR) {
        memcpy(to + i, from + i, 4 * VECTOR * sizeof(float));
    }
    for (; i + VECTOR <= count; i += VECTOR) {
        memcpy(to + i, from + i, VECTOR * sizeof(float));
    }
    if (i < count && count >= VECTOR) { /* the last vector may overlap the one before */
        memcpy(to + count - VECTOR, from + count - VECTOR, VECTOR * sizeof(float));
        return;
    }
    for (; i < count; i++) {
        to[i] = from[i];
    }
}

static inline void copy_apart(float *to, const float *from, size_t count, size_t stride) {
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i * stride];
    }
}

static inline void zeros(float *to, size_t count) {
    for (size_t i = 0; i < count; i++) {
        to[i] = 0;
    }
}

static void copy_stretch(const stretch *s) {
    const float *from = s->from;
    float *to = s->to;
    for (size_t channel = 0; channel < s->channels; channel++, from += s->plane, to += s->step) {
        zeros(to, s->before);
        if (s->stride == 1) {
            copy_neighbours(to + s->before, from, s->copied);
        } else {
            copy_apart(to + s->before, from, s->copied, s->stride);
        }
        zeros(to + s->before + s->copied, s->after);
    }
}

void ic_fill_planes_part(const ic_planes *p, const float *input, size_t part, float *matrix) {
    const size_t parts = channel_parts(p), first = part % parts * CHANNELS;
    const size_t tap = part / parts % p->taps, panel = part / parts / p->taps;
    const size_t down = tap / p->kernel_width, across = tap % p->kernel_width;
    const ic_axis *rows = &p->rows, *columns = &p->columns_of_row;
    const ic_span having = ic_outputs_of(columns, across); /* the columns of the output that have the tap */
    const size_t pixel = panel * p->columns, left = p->pixels - pixel;
    const size_t count = left < p->columns ? left : p->columns;
    stretch s = {.channels = p->channels - first < CHANNELS ? p->channels - first : CHANNELS,
                 .plane = rows->input * columns->input,
                 .step = p->columns,
                 .stride = columns->stride};
    const float *plane = input + first * s.plane;
    float *to = matrix + panel * p->panel + (FIXED_ROWS + tap * p->channels + first) * p->columns;
    size_t row = pixel / columns->output, column = pixel % columns->output;
    for (size_t done = 0, length; done < count; done += length, row++, column = 0) {
        length = columns->output - column < count - done ? columns->output - column : count - done;
        const size_t end = column + length, input_row = row * rows->stride + down * rows->dilation - rows->before;
        const bool is_inside = input_row < rows->input; /* one in the padding above wraps to a huge number */
        const size_t begin = !is_inside || having.begin > end ? end : having.begin > column ? having.begin : column;
        const size_t until = having.end < begin ? begin : having.end < end ? having.end : end;
        s.to = to + done;
        s.before = begin - column;
        s.copied = until - begin;
        s.after = end - until;
        s.from = plane;
        if (s.copied != 0) {
            s.from +=
                input_row * columns->input + begin * columns->stride + across * columns->dilation - columns->before;
        }
        copy_stretch(&s);
    }
}
