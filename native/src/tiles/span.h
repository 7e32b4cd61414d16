/* SPDX-License-Identifier: Apache-2.0
 * Spans: neighbouring outputs along one axis of an image, and the taps that they have inside the input. */
#ifndef IC_SPAN_H
#define IC_SPAN_H

#include "core/geometry.h"

typedef struct {
    size_t input, output, kernel, stride, dilation, before; /* `before`: padding at the start */
} ic_axis;

typedef struct {
    size_t begin, end;           /* outputs */
    size_t first_tap, tap_count; /* 0 and 0 where all taps lie in the padding */
} ic_span;

ic_axis ic_row_axis(const ic_conv2d_desc *desc, const ic_geometry *geometry);
ic_axis ic_column_axis(const ic_conv2d_desc *desc, const ic_geometry *geometry);

/* Output `out` alone. */
ic_span ic_taps_at(const ic_axis *axis, size_t out);
/* The outputs from `out` on that have the same taps. */
ic_span ic_span_at(const ic_axis *axis, size_t out);
/* All outputs that have one tap; none of them where end is not over begin. */
ic_span ic_outputs_of(const ic_axis *axis, size_t tap);

#endif
