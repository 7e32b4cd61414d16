/* SPDX-License-Identifier: Apache-2.0 */
#include "layer.h"

#include "prng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_LIMIT (UINT64_C(1) << 24) /* of one dimension */
#define FLOATS_LIMIT 0x1p44            /* of one tensor: far over any memory, and its bytes fit 64 bits */
#define TAPS_LIMIT (0x1p24 - 1)        /* products an output: the bound of reference.h needs K + 1 under 2^24 */

static size_t dimension(fields *f, const char *key, uint64_t low) {
    return (size_t)fields_u64(f, key, low, SIZE_LIMIT);
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
    const char *name = fields_text(f, "name");
    if (!*name || strlen(name) >= sizeof l->name || strchr(name, '/')) {
        fields_fail(f, "name=%.100s is not a layer name (1 to %zu characters, no slash)", name, sizeof l->name - 1);
    }
    snprintf(l->name, sizeof l->name, "%s", name);
    l->height = dimension(f, "h", 1);
    l->width = dimension(f, "w", 1);
    d->kernel_height = (uint32_t)dimension(f, "kh", 1);
    d->kernel_width = (uint32_t)dimension(f, "kw", 1);
    d->pad_top = (uint32_t)dimension(f, "pt", 0);
    d->pad_right = (uint32_t)dimension(f, "pr", 0);
    d->pad_bottom = (uint32_t)dimension(f, "pb", 0);
    d->pad_left = (uint32_t)dimension(f, "pl", 0);
    d->stride_height = (uint32_t)dimension(f, "sh", 1);
    d->stride_width = (uint32_t)dimension(f, "sw", 1);
    d->dilation_height = (uint32_t)dimension(f, "dh", 1);
    d->dilation_width = (uint32_t)dimension(f, "dw", 1);
    d->groups = (uint32_t)dimension(f, "groups", 1);
    l->batch = dimension(f, "batch", 1);
    d->in_channels = dimension(f, "cin", 1);
    d->out_channels = dimension(f, "cout", 1);
    d->output_min = (float)fields_f64(f, "min", -INFINITY, INFINITY);
    d->output_max = (float)fields_f64(f, "max", -INFINITY, INFINITY);
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

double layer_min(const layer_shape *l) {
    return (double)l->desc.output_min + 0.0;
}

void layer_print(const layer_shape *l, char *line, size_t room) {
    char name[FIELDS_ENCODED(sizeof l->name)];
    const ic_conv2d_desc *d = &l->desc;
    snprintf(line, room,
             "layer name=%s h=%zu w=%zu kh=%u kw=%u pt=%u pr=%u pb=%u pl=%u sh=%u sw=%u dh=%u dw=%u groups=%u "
             "batch=%zu cin=%zu cout=%zu "
             "min=%.9g max=%.9g",
             fields_encode(l->name, name, sizeof name), l->height, l->width, d->kernel_height, d->kernel_width,
             d->pad_top, d->pad_right, d->pad_bottom, d->pad_left, d->stride_height, d->stride_width,
             d->dilation_height, d->dilation_width, d->groups, l->batch, d->in_channels, d->out_channels, layer_min(l),
             (double)d->output_max);
}

size_t layer_data_bytes(const layer_shape *l) {
    return (l->input_floats + l->weight_floats + l->desc.out_channels) * sizeof(float);
}

bool layer_data_make(const layer_shape *l, layer_data *d) {
    d->input = malloc(l->input_floats * sizeof(float));
    d->weights = malloc(l->weight_floats * sizeof(float));
    d->bias = malloc(l->desc.out_channels * sizeof(float));
    if (!d->input || !d->weights || !d->bias) {
        layer_data_free(d);
        return false;
    }
    uint64_t random = UINT64_C(0xcbf29ce484222325); /* FNV-1a of the name */
    for (const char *c = l->name; *c; c++) {
        random = (random ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    for (size_t i = 0; i < l->input_floats; i++) {
        d->input[i] = prng_float(&random);
    }
    for (size_t i = 0; i < l->weight_floats; i++) {
        d->weights[i] = prng_float(&random);
    }
    for (size_t i = 0; i < l->desc.out_channels; i++) {
        d->bias[i] = prng_float(&random);
    }
    return true;
}

void layer_data_free(layer_data *d) {
    free(d->input);
    free(d->weights);
    free(d->bias);
    memset(d, 0, sizeof *d);
}
