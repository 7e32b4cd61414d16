/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/reference.h"

#include "wire/prng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const layer_shape *l;
    const layer_data *d;
} source;

static void one(const source *s, size_t index, double *value, double *magnitude) {
    const layer_shape *l = s->l;
    const ic_conv2d_desc *c = &l->desc;
    size_t per_group = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    size_t channel = index % c->out_channels, pixel = index / c->out_channels;
    size_t x = pixel % l->out_width, y = pixel / l->out_width % l->out_height, n = pixel / l->out_width / l->out_height;
    double sum = s->d->bias[channel], all = fabs(sum);
    for (size_t ky = 0; ky < c->kernel_height; ky++) {
        /* Unsigned: a row in the padding above wraps to a huge number, which is no row either. */
        size_t iy = y * c->stride_height + ky * c->dilation_height - c->pad_top;
        for (size_t kx = 0; kx < c->kernel_width && iy < l->height; kx++) {
            size_t ix = x * c->stride_width + kx * c->dilation_width - c->pad_left;
            if (ix >= l->width) {
                continue;
            }
            const float *a =
                s->d->input + ((n * l->height + iy) * l->width + ix) * c->in_channels + channel / outs * per_group;
            const float *b = s->d->weights + ((channel * c->kernel_height + ky) * c->kernel_width + kx) * per_group;
            double part[4] = {0}, absolute[4] = {0};
            size_t i = 0;
            for (; i + 4 <= per_group; i += 4) {
                for (int k = 0; k < 4; k++) {
                    double product = (double)a[i + (size_t)k] * (double)b[i + (size_t)k];
                    part[k] += product;
                    absolute[k] += fabs(product);
                }
            }
            for (; i < per_group; i++) {
                part[0] += (double)a[i] * (double)b[i];
                absolute[0] += fabs((double)a[i] * (double)b[i]);
            }
            sum += part[0] + part[1] + part[2] + part[3];
            all += absolute[0] + absolute[1] + absolute[2] + absolute[3];
        }
    }
    *value = fmin(fmax(sum, (double)c->output_min), (double)c->output_max); /* clamping never widens an error */
    *magnitude = all;
}

static double norm_of(const source *s, double largest, size_t channel) {
    const ic_conv2d_desc *c = &s->l->desc;
    size_t per_group = c->in_channels / c->groups, taps = (size_t)c->kernel_height * c->kernel_width;
    const float *weights = s->d->weights + channel * taps * per_group;
    double all = 0;
    for (size_t i = 0; i < per_group; i++) {
        double squares = 0;
        for (size_t tap = 0; tap < taps; tap++) {
            squares += (double)weights[tap * per_group + i] * (double)weights[tap * per_group + i];
        }
        all += sqrt(squares);
    }
    return fabs((double)s->d->bias[channel]) + largest * all;
}

static void fill_norms(reference *r) {
    const source s = {r->layer, r->data};
    double largest = 0;
    for (size_t i = 0; i < r->layer->input_floats; i++) {
        largest = fmax(largest, fabs((double)r->data->input[i]));
    }
    for (size_t c = 0; c < r->channels; c++) {
        r->norms[c] = norm_of(&s, largest, c);
    }
    r->has_norms = true;
}

/* The largest value of each input channel of an image. */
static void find_largest(const layer_shape *l, const float *image, double *of) {
    const size_t channels = l->desc.in_channels;
    memset(of, 0, channels * sizeof *of);
    for (size_t i = 0; i < l->height * l->width; i++) {
        for (size_t c = 0; c < channels; c++) {
            of[c] = fmax(of[c], fabs((double)image[i * channels + c]));
        }
    }
}

static void fill_largest(reference *r) {
    const layer_shape *l = r->layer;
    const layer_data *d = r->data;
    const ic_conv2d_desc *desc = &l->desc;
    const size_t inputs = desc->in_channels / desc->groups, outputs = desc->out_channels / desc->groups;
    const size_t taps = (size_t)desc->kernel_height * desc->kernel_width;
    for (size_t n = 0; n < l->batch; n++) {
        find_largest(l, d->input + n * l->height * l->width * desc->in_channels, r->inputs);
        for (size_t k = 0; k < desc->out_channels; k++) {
            double sum = fabs((double)d->bias[k]);
            for (size_t i = 0; i < taps * inputs; i++) {
                sum += fabs((double)d->weights[k * taps * inputs + i]) * r->inputs[k / outputs * inputs + i % inputs];
            }
            r->largest[n * desc->out_channels + k] = sum;
        }
    }
    r->has_largest = true;
}

static bool on_border(const layer_shape *l, size_t pixel) {
    size_t x = pixel % l->out_width, y = pixel / l->out_width % l->out_height;
    return x == 0 || y == 0 || x + 1 == l->out_width || y + 1 == l->out_height;
}

bool reference_make(reference *r, const layer_shape *l, const layer_data *d, bool every, void (*busy)(void)) {
    source s = {l, d};
    size_t channels = l->desc.out_channels, pixels = l->output_floats / channels;
    memset(r, 0, sizeof *r);
    every |= l->output_floats <= REFERENCE_SEEDED;
    size_t border = 0;
    for (size_t p = 0; p < pixels && !every; p++) {
        border += on_border(l, p);
    }
    r->count = every ? l->output_floats : border * channels + REFERENCE_SEEDED;
    r->value = malloc(r->count * sizeof *r->value);
    r->magnitude = malloc(r->count * sizeof *r->magnitude);
    if (!every) {
        r->index = malloc(r->count * sizeof *r->index);
    }
    r->layer = l;
    r->data = d;
    r->channels = channels;
    r->image = l->output_floats / l->batch;
    r->norms = malloc(channels * sizeof *r->norms);
    r->largest = malloc(l->batch * channels * sizeof *r->largest);
    r->inputs = malloc(l->desc.in_channels * sizeof *r->inputs);
    if (!r->value || !r->magnitude || !r->norms || !r->largest || !r->inputs || (!every && !r->index)) {
        reference_free(r);
        return false;
    }
    size_t n = 0;
    for (size_t p = 0; p < pixels && !every; p++) {
        for (size_t c = 0; c < channels && on_border(l, p); c++) {
            r->index[n++] = p * channels + c;
        }
    }
    uint64_t random = 0x5eed;
    for (; n < r->count && !every; n++) {
        r->index[n] = prng_next(&random) % l->output_floats;
    }
    for (size_t i = 0; i < r->count; i++) {
        one(&s, r->index ? r->index[i] : i, &r->value[i], &r->magnitude[i]);
        if (i % 4096 == 4095) {
            busy();
        }
    }
    return true;
}

void reference_free(reference *r) {
    free(r->index);
    free(r->value);
    free(r->magnitude);
    free(r->norms);
    free(r->largest);
    free(r->inputs);
    memset(r, 0, sizeof *r);
}

double reference_compare(reference *r, double share_allowed, ic_bound_of of, const float *output) {
    double worst = 0;
    if (of == IC_BOUND_OF_NORMS && !r->has_norms) {
        fill_norms(r);
    } else if (of == IC_BOUND_OF_LARGEST && !r->has_largest) {
        fill_largest(r);
    }
    for (size_t i = 0; i < r->count; i++) {
        size_t index = r->index ? r->index[i] : i;
        double error = fabs((double)output[index] - r->value[i]);
        const size_t channel = index % r->channels;
        double magnitude = r->magnitude[i];
        if (of == IC_BOUND_OF_NORMS) {
            magnitude = r->norms[channel];
        } else if (of == IC_BOUND_OF_LARGEST) {
            magnitude = r->largest[index / r->image * r->channels + channel];
        }
        double share = error == 0 ? 0 : error / (share_allowed * magnitude);
        if (!(share <= worst)) { /* a NaN counts as the worst */
            worst = isnan(share) ? (double)INFINITY : share;
        }
    }
    return worst;
}

uint64_t checksum(const float *values, size_t count) {
    uint64_t sum[4] = {1, 2, 3, 4};
    uint32_t bits;
    for (size_t i = 0; i < count; i++) {
        memcpy(&bits, values + i, sizeof bits);
        sum[i % 4] = (sum[i % 4] ^ bits) * UINT64_C(0x9FB21C651E98DF25);
        sum[i % 4] ^= sum[i % 4] >> 32;
    }
    uint64_t all = count;
    for (int i = 0; i < 4; i++) {
        all = (all ^ sum[i]) * UINT64_C(0x9FB21C651E98DF25) + (all >> 29);
    }
    return all;
}
