/* SPDX-License-Identifier: Apache-2.0
 * Shapes to test with, and the reference they are judged by. */
#include "check.h"

#include <math.h>

shape plain_shape(uint32_t kernel, size_t height, size_t width, size_t cin, size_t cout) {
    shape s = {IC_CONV2D_DESC_INIT, 1, height, width};
    ic_conv2d_desc *d = &s.desc;
    d->kernel_height = d->kernel_width = kernel;
    d->stride_height = d->stride_width = d->dilation_height = d->dilation_width = d->groups = 1;
    d->in_channels = cin, d->out_channels = cout;
    d->output_min = -INFINITY, d->output_max = INFINITY;
    return s;
}

/* kh kw, sh sw, dh dw, pad top right bottom left, groups, cin, cout, clamped, batch, height, width */
static const uint16_t awkward[][17] = {
    {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1},     /* the smallest */
    {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 7, 130, 0, 1, 7, 7},   /* in place, 49 rows, N tail in the third panel */
    {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 64, 64, 1, 3, 4, 5},   /* in place, batch */
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 5, 9, 0, 1, 4, 4},     /* 1x1 with padding */
    {1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 1, 8, 33, 0, 2, 7, 9},    /* 1x1 stride 2 */
    {3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 64, 64, 0, 1, 7, 7},   /* a layer in small */
    {3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 16, 1, 1, 13, 13},  /* few channels */
    {7, 7, 2, 2, 1, 1, 3, 3, 3, 3, 1, 3, 64, 0, 1, 20, 22},  /* stem */
    {3, 3, 1, 1, 1, 1, 2, 2, 2, 2, 1, 4, 5, 0, 1, 1, 1},     /* nearly all padding */
    {5, 5, 1, 1, 1, 1, 4, 4, 4, 4, 1, 2, 3, 0, 1, 2, 2},     /* patches wider than the input */
    {2, 3, 1, 1, 1, 1, 5, 6, 7, 4, 1, 6, 17, 0, 1, 3, 2},    /* patches wholly in the padding */
    {1, 5, 1, 2, 1, 1, 0, 1, 0, 3, 1, 9, 31, 0, 2, 5, 11},   /* a row */
    {5, 1, 3, 1, 1, 1, 2, 0, 1, 0, 1, 9, 31, 1, 2, 11, 5},   /* a column */
    {3, 3, 1, 1, 2, 3, 2, 3, 2, 3, 1, 5, 20, 0, 1, 8, 9},    /* dilation */
    {3, 3, 2, 1, 3, 2, 0, 1, 2, 0, 2, 6, 14, 0, 2, 9, 8},    /* dilation, stride, groups */
    {3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 12, 12, 12, 0, 1, 6, 5},  /* depthwise */
    {3, 3, 2, 2, 1, 1, 0, 1, 1, 0, 8, 8, 24, 1, 2, 6, 6},    /* depthwise, three outputs each */
    {3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 4, 16, 280, 0, 1, 5, 4},  /* groups of more than one panel */
    {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 3, 9, 6, 0, 1, 5, 5},     /* 1x1 with groups */
    {4, 4, 3, 5, 1, 1, 1, 0, 0, 2, 1, 13, 63, 0, 1, 11, 12}, /* stride over kernel */
    {3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 350, 5, 0, 1, 3, 3},   /* runs over 1,024 floats */
    {3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 70, 70, 70, 0, 2, 9, 16}, /* depthwise, over a panel, tiles of several heights */
    {5, 5, 2, 1, 1, 1, 2, 2, 2, 2, 35, 35, 35, 1, 1, 9, 14}, /* depthwise, the rest of a vector */
    {3, 2, 1, 2, 2, 3, 4, 0, 1, 7, 33, 33, 33, 1, 1, 6, 9},  /* depthwise, dilation, patches in the padding */
    {3, 3, 1, 1, 1, 1, 5, 5, 5, 5, 16, 16, 16, 0, 1, 1, 2},  /* depthwise, nearly all padding */
    {1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 20, 20, 20, 0, 1, 5, 5},  /* depthwise of one tap */
    {3, 3, 1, 1, 3, 1, 3, 1, 3, 1, 1, 5, 20, 0, 1, 14, 9},   /* taps three rows apart share pointers */
    {3, 2, 3, 1, 3, 1, 3, 1, 2, 0, 1, 5, 20, 0, 1, 17, 9},   /* one row of the output apart */
    {3, 2, 1, 1, 1, 1, 1, 0, 1, 0, 2, 6, 10, 0, 1, 9, 8},    /* groups, padding of rows alone */
    {3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 9, 0, 1, 40, 33},   /* many runs through a table */
    {2, 1, 2, 2, 1, 1, 3, 1, 0, 1, 1, 5, 50, 0, 2, 2, 3},    /* rows in the padding, a tile of one row */
    {1, 1, 3, 2, 2, 2, 2, 1, 1, 0, 1, 4, 45, 0, 2, 1, 1},    /* of two rows */
    {2, 4, 3, 3, 2, 1, 1, 0, 1, 0, 2, 32, 46, 0, 1, 5, 5},   /* of two rows and the rest of a vector */
    {2, 2, 3, 1, 2, 2, 0, 2, 2, 2, 1, 20, 12, 0, 2, 7, 5},   /* of five */
    {3, 1, 2, 3, 1, 1, 0, 0, 1, 0, 1, 1, 59, 0, 1, 7, 4},    /* pointers larger than the matrix */
    {1, 1, 1, 2, 1, 1, 1, 3, 1, 3, 1, 18, 72, 1, 2, 5, 5},   /* 1x1, stride in one direction */
};

shape nth_shape(unsigned index) {
    shape s = plain_shape(1, 1, 1, 1, 1);
    ic_conv2d_desc *d = &s.desc;
    uint64_t state = 1000 + index;
    uint32_t clamped;
    if (index < sizeof awkward / sizeof awkward[0]) {
        const uint16_t *a = awkward[index];
        d->kernel_height = a[0], d->kernel_width = a[1], d->stride_height = a[2], d->stride_width = a[3];
        d->dilation_height = a[4], d->dilation_width = a[5];
        d->pad_top = a[6], d->pad_right = a[7], d->pad_bottom = a[8], d->pad_left = a[9];
        d->groups = a[10], d->in_channels = a[11], d->out_channels = a[12], clamped = a[13];
        s.batch = a[14], s.height = a[15], s.width = a[16];
    } else {
        d->kernel_height = random_range(&state, 1, 4), d->kernel_width = random_range(&state, 1, 4);
        d->stride_height = random_range(&state, 1, 3), d->stride_width = random_range(&state, 1, 3);
        d->dilation_height = random_range(&state, 1, 2), d->dilation_width = random_range(&state, 1, 2);
        d->pad_top = random_range(&state, 0, 3), d->pad_right = random_range(&state, 0, 3);
        d->pad_bottom = random_range(&state, 0, 3), d->pad_left = random_range(&state, 0, 3);
        d->groups = random_range(&state, 0, 2) == 0 ? random_range(&state, 2, 4) : 1;
        d->in_channels = d->groups * (size_t)random_range(&state, 1, 20);
        d->out_channels = d->groups * (size_t)random_range(&state, 1, 140 / d->groups);
        clamped = random_range(&state, 0, 1);
        s.batch = random_range(&state, 1, 2);
        s.height = (d->kernel_height - 1u) * d->dilation_height + random_range(&state, 1, 7);
        s.width = (d->kernel_width - 1u) * d->dilation_width + random_range(&state, 1, 7);
    }
    if (clamped) {
        d->output_min = -0.75f;
        d->output_max = 1.5f;
    }
    return s;
}

static size_t axis(size_t input, uint32_t before, uint32_t after, uint32_t kernel, uint32_t dilation, uint32_t stride) {
    return (input + before + after - ((kernel - 1u) * (size_t)dilation + 1)) / stride + 1;
}

size_t out_height(const shape *s) {
    const ic_conv2d_desc *d = &s->desc;
    return axis(s->height, d->pad_top, d->pad_bottom, d->kernel_height, d->dilation_height, d->stride_height);
}

size_t out_width(const shape *s) {
    const ic_conv2d_desc *d = &s->desc;
    return axis(s->width, d->pad_left, d->pad_right, d->kernel_width, d->dilation_width, d->stride_width);
}

long pixel_read(const shape *s, size_t output, size_t tap) {
    const ic_conv2d_desc *d = &s->desc;
    const size_t at = output / d->out_channels, x = at % out_width(s), y = at / out_width(s) % out_height(s);
    const size_t image = at / out_width(s) / out_height(s);
    const long row = (long)(y * d->stride_height + tap / d->kernel_width * d->dilation_height) - (long)d->pad_top;
    const long column = (long)(x * d->stride_width + tap % d->kernel_width * d->dilation_width) - (long)d->pad_left;
    const bool is_inside = row >= 0 && column >= 0 && row < (long)s->height && column < (long)s->width;
    return is_inside ? ((long)image * (long)s->height + row) * (long)s->width + column : -1;
}

size_t depth_of(const shape *s) {
    return (size_t)s->desc.kernel_height * s->desc.kernel_width * (s->desc.in_channels / s->desc.groups);
}

size_t weights_of(const shape *s) {
    return depth_of(s) * s->desc.out_channels;
}

size_t inputs_of(const shape *s) {
    return s->batch * s->height * s->width * s->desc.in_channels;
}

size_t outputs_of(const shape *s) {
    return s->batch * out_height(s) * out_width(s) * s->desc.out_channels;
}

void describe(const shape *s, const char *what) {
    const ic_conv2d_desc *d = &s->desc;
    fprintf(stderr, "%s: %zux%zux%zu, %zu -> %zu in %u groups, %ux%u stride %u,%u dilation %u,%u pad %u,%u,%u,%u\n",
            what, s->batch, s->height, s->width, d->in_channels, d->out_channels, d->groups, d->kernel_height,
            d->kernel_width, d->stride_height, d->stride_width, d->dilation_height, d->dilation_width, d->pad_top,
            d->pad_right, d->pad_bottom, d->pad_left);
}

static void check_output(const shape *s, values kind, double exact, double magnitude, float got, size_t index,
                         const char *what) {
    const double n = (double)(depth_of(s) + 1) * 0x1p-24;
    const double bound = kind == VALUES_INTEGER ? 0 : n / (1 - n) * magnitude;
    const double wanted = fmin(fmax(exact, (double)s->desc.output_min), (double)s->desc.output_max);
    if (!(fabs((double)got - wanted) <= bound)) { /* NaN fails */
        describe(s, what);
        fprintf(stderr, "output %zu is %.9g, wanted %.9g within %.3g\n", index, (double)got, wanted, bound);
        exit(1);
    }
}

reference_value *new_references(const shape *s, const float *weights, const float *bias, const float *input) {
    const ic_conv2d_desc *d = &s->desc;
    const size_t group_in = d->in_channels / d->groups, group_out = d->out_channels / d->groups;
    reference_value *all = malloc(outputs_of(s) * sizeof *all);
    CHECK(all != NULL);
    size_t index = 0;
    for (size_t b = 0; b < s->batch; b++) {
        for (size_t oy = 0; oy < out_height(s); oy++) {
            for (size_t ox = 0; ox < out_width(s); ox++) {
                for (size_t o = 0; o < d->out_channels; o++, index++) {
                    double exact = bias != NULL ? (double)bias[o] : 0, magnitude = fabs(exact);
                    for (size_t ky = 0; ky < d->kernel_height; ky++) {
                        for (size_t kx = 0; kx < d->kernel_width; kx++) {
                            const long y = (long)(oy * d->stride_height + ky * d->dilation_height) - (long)d->pad_top;
                            const long x = (long)(ox * d->stride_width + kx * d->dilation_width) - (long)d->pad_left;
                            if (y < 0 || x < 0 || y >= (long)s->height || x >= (long)s->width) {
                                continue;
                            }
                            const size_t at = ((b * s->height + (size_t)y) * s->width + (size_t)x) * d->in_channels;
                            for (size_t i = 0; i < group_in; i++) {
                                const double a = (double)input[at + o / group_out * group_in + i];
                                const double w = (double)
                                    weights[((o * d->kernel_height + ky) * d->kernel_width + kx) * group_in + i];
                                exact += a * w;
                                magnitude += fabs(a * w);
                            }
                        }
                    }
                    all[index] = (reference_value){exact, magnitude};
                }
            }
        }
    }
    return all;
}

void check_references(const shape *s, values kind, const reference_value *all, const float *output, const char *what) {
    const size_t outputs = outputs_of(s);
    for (size_t i = 0; i < outputs; i++) {
        check_output(s, kind, all[i].exact, all[i].magnitude, output[i], i, what);
    }
}

void check_against_reference(const shape *s, values kind, const float *weights, const float *bias, const float *input,
                             const float *output, const char *what) {
    reference_value *all = new_references(s, weights, bias, input);
    check_references(s, kind, all, output, what);
    free(all);
}
