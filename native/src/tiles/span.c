/* SPDX-License-Identifier: Apache-2.0 */
#include "tiles/span.h"

ic_axis ic_row_axis(const ic_conv2d_desc *desc, const ic_geometry *geometry) {
    const ic_axis rows = {geometry->input_height, geometry->output_height, desc->kernel_height,
                          desc->stride_height,    desc->dilation_height,   desc->pad_top};
    return rows;
}

ic_axis ic_column_axis(const ic_conv2d_desc *desc, const ic_geometry *geometry) {
    const ic_axis columns = {geometry->input_width, geometry->output_width, desc->kernel_width,
                             desc->stride_width,    desc->dilation_width,   desc->pad_left};
    return columns;
}

ic_span ic_taps_at(const ic_axis *axis, size_t out) {
    const size_t at = out * axis->stride, limit = axis->input + axis->before;
    ic_span s = {out, out + 1, 0, 0};
    s.first_tap = at >= axis->before ? 0 : (axis->before - at + axis->dilation - 1) / axis->dilation;
    size_t end = at >= limit ? 0 : (limit - 1 - at) / axis->dilation + 1;
    end = end < axis->kernel ? end : axis->kernel;
    if (end <= s.first_tap) {
        s.first_tap = 0;
    } else {
        s.tap_count = end - s.first_tap;
    }
    return s;
}

ic_span ic_span_at(const ic_axis *axis, size_t out) {
    ic_span s = ic_taps_at(axis, out);
    if (s.tap_count == axis->kernel) { /* the inner one ends where its last tap leaves the input */
        s.end = (axis->input + axis->before - 1 - (axis->kernel - 1) * axis->dilation) / axis->stride + 1;
        s.end = s.end < axis->output ? s.end : axis->output;
        return s;
    }
    while (s.end < axis->output) {
        const ic_span next = ic_taps_at(axis, s.end);
        if (next.first_tap != s.first_tap || next.tap_count != s.tap_count) {
            break;
        }
        s.end++;
    }
    return s;
}

ic_span ic_outputs_of(const ic_axis *axis, size_t tap) {
    const size_t offset = tap * axis->dilation, limit = axis->input + axis->before;
    ic_span s = {0, 0, tap, 1};
    s.begin = offset >= axis->before ? 0 : (axis->before - offset + axis->stride - 1) / axis->stride;
    s.end = offset >= limit ? 0 : (limit - 1 - offset) / axis->stride + 1;
    s.end = s.end < axis->output ? s.end : axis->output;
    return s;
}
