/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/layer.h"

#include "wire/prng.h"
#include "core/layout.h"
#include "wire/tensor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SIZE_LIMIT (UINT64_C(1) << 24) /* of one dimension */
#define FLOATS_LIMIT 0x1p44            /* of one tensor: far over any memory, and its bytes fit 64 bits */
#define TAPS_LIMIT (0x1p24 - 1)        /* products an output: the bound of reference.h needs K + 1 under 2^24 */

static void read_name(fields *f, const char *key, unsigned least, char (*name)[LAYER_NAME]) {
    const char *text = fields_text(f, key);
    if (strlen(text) < least || strlen(text) >= sizeof *name || strchr(text, '/')) {
        fields_fail(f, "%s=%.100s is not a layer name (%u to %zu characters, no slash)", key, text, least,
                    sizeof *name - 1);
    }
    snprintf(*name, sizeof *name, "%s", text);
}

static void read_type(fields *f, const char *key, unsigned least, ic_type *type) {
    const char *text = fields_text(f, key);
    (void)least;
    if (!f->error[0] && !tensor_type_from_name(text, type)) {
        fields_fail(f, "%s=%.40s is not covered: %s", key, text, tensor_types());
    }
}

static void read_layout(fields *f, const char *key, unsigned least, ic_layout *layout) {
    const char *text = fields_text(f, key);
    (void)least;
    if (!f->error[0] && (!ic_layout_from_name(text, layout) || *layout != IC_LAYOUT_NHWC)) {
        fields_fail(f, "%s=%.40s is not covered: nhwc; a variant brings it to another", key, text);
    }
}

static void read_size(fields *f, const char *key, unsigned least, size_t *size) {
    *size = (size_t)fields_u64(f, key, least, SIZE_LIMIT);
}

static void read_extent(fields *f, const char *key, unsigned least, uint32_t *extent) {
    *extent = (uint32_t)fields_u64(f, key, least, SIZE_LIMIT);
}

static void read_clamp(fields *f, const char *key, unsigned least, float *clamp) {
    (void)least;
    *clamp = (float)fields_f64(f, key, -INFINITY, INFINITY);
}

static size_t out_size(size_t in, size_t before, size_t after, size_t kernel, size_t dilation, size_t stride) {
    size_t span = (kernel - 1) * dilation + 1, padded = in + before + after;
    return padded < span ? 0 : (padded - span) / stride + 1;
}

static size_t floats(fields *f, const char *what, double product) {
    if (product * sizeof(float) > (double)(SIZE_MAX / 2) || product > FLOATS_LIMIT) {
        fields_fail(f, "the layer's %s overflows: %.3g values", what, product);
    }
    return product > FLOATS_LIMIT ? 0 : (size_t)product;
}

void layer_parse(fields *f, layer_shape *l) {
    memset(l, 0, sizeof *l);
    ic_conv2d_desc *d = &l->desc;
    d->struct_size = sizeof *d;
#define LAYER_KEY(key, kind, member, least) read_##kind(f, #key, least, &l->member);
#include "wire/layer_keys.inc.h"
    if (f->error[0]) {
        return;
    }
    if (d->output_min > d->output_max) {
        fields_fail(f, "min is over max");
    }
    if (d->output_min == 0 && d->output_max == 0) {
        d->output_min = -0.0f; /* a plan says what it means: to the library two zeros are no clamp */
    }
    if (d->in_channels % d->groups || d->out_channels % d->groups) {
        fields_fail(f, "groups=%u does not divide cin and cout", d->groups);
    }
    l->out_height =
        out_size(l->height, d->pad_top, d->pad_bottom, d->kernel_height, d->dilation_height, d->stride_height);
    l->out_width = out_size(l->width, d->pad_left, d->pad_right, d->kernel_width, d->dilation_width, d->stride_width);
    if (!l->out_height || !l->out_width) {
        fields_fail(f, "the kernel is larger than the padded input");
    }
    double taps = (double)d->kernel_height * d->kernel_width * (double)(d->in_channels / d->groups);
    l->input_floats =
        floats(f, "input", (double)l->batch * (double)l->height * (double)l->width * (double)d->in_channels);
    l->output_floats =
        floats(f, "output", (double)l->batch * (double)l->out_height * (double)l->out_width * (double)d->out_channels);
    l->weight_floats = floats(f, "weights", taps * (double)d->out_channels);
    if (taps >= TAPS_LIMIT) {
        fields_fail(f, "an output sums %.0f products; from %.0f on nothing bounds the error of an f32 sum", taps,
                    TAPS_LIMIT);
    }
    l->macs = (double)l->output_floats * taps;
}

double layer_clamp(float side) {
    return (double)side + 0.0;
}

static void print_name(char *line, const char *key, const char (*name)[LAYER_NAME]) {
    char text[FIELDS_ENCODED(LAYER_NAME)];
    fields_append(line, LAYER_LINE, " %s=%s", key, fields_encode(*name, text, sizeof text));
}

static void print_type(char *line, const char *key, const ic_type *type) {
    fields_append(line, LAYER_LINE, " %s=%s", key, tensor_type_name(*type));
}

static void print_layout(char *line, const char *key, const ic_layout *layout) {
    fields_append(line, LAYER_LINE, " %s=%s", key, ic_layout_name(*layout));
}

static void print_size(char *line, const char *key, const size_t *size) {
    fields_append(line, LAYER_LINE, " %s=%zu", key, *size);
}

static void print_extent(char *line, const char *key, const uint32_t *extent) {
    fields_append(line, LAYER_LINE, " %s=%" PRIu32, key, *extent);
}

static void print_clamp(char *line, const char *key, const float *clamp) {
    fields_append(line, LAYER_LINE, " %s=%.9g", key, layer_clamp(*clamp));
}

char *layer_print(const layer_shape *l, char line[LAYER_LINE]) {
    snprintf(line, LAYER_LINE, "layer");
#define LAYER_KEY(key, kind, member, least) print_##kind(line, #key, &l->member);
#include "wire/layer_keys.inc.h"
    return line;
}
