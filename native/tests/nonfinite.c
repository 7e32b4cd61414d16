/* SPDX-License-Identifier: Apache-2.0 */
#include "nonfinite.h"

#include "paths.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>

typedef struct {
    const shape *s;
    const float *before, *after; /* outputs */
    size_t at;                   /* what was poisoned */
    float poison;
} spoilt;

static void expect(bool condition, const spoilt *p, size_t output, const path *way) {
    if (!condition) {
        describe(p->s, ic_algorithm_name(way->algorithm));
        fprintf(stderr, "%s: %g at %zu: output %zu was %g and is %g, wanted otherwise\n", way->options,
                (double)p->poison, p->at, output, (double)p->before[output], (double)p->after[output]);
        exit(1);
    }
}

static bool is_same(const spoilt *p, size_t output) {
    return memcmp(&p->before[output], &p->after[output], sizeof(float)) == 0;
}

static bool has_poison(const spoilt *p, size_t output) {
    const float value = p->after[output];
    const bool is_clamped = p->s->desc.output_max < INFINITY; /* an infinite sum is finite then */
    return isnan(value) || (isinf(p->poison) && (is_clamped || isinf(value)));
}

/* One value of the input: outputs whose taps read it have it, all others are what they were. */
static void check_input(const spoilt *p, const path *way) {
    const ic_conv2d_desc *d = &p->s->desc;
    const size_t in_group = d->in_channels / d->groups, out_group = d->out_channels / d->groups;
    const size_t outputs = outputs_of(p->s);
    const size_t first = p->at % d->in_channels / in_group * out_group; /* channel of its group */
    for (size_t i = 0; i < outputs; i += d->out_channels) {
        bool reads = false;
        for (size_t tap = 0; !reads && tap < (size_t)d->kernel_height * d->kernel_width; tap++) {
            reads = pixel_read(p->s, i, tap) == (long)(p->at / d->in_channels);
        }
        for (size_t o = 0; o < d->out_channels; o++) {
            const bool has = reads && o >= first && o < first + out_group;
            expect(has ? has_poison(p, i + o) : is_same(p, i + o), p, i + o, way);
        }
    }
}

/* One weight: where it meets padding naive and +taps leave it out, regions may, all others multiply zero by it. */
static void check_weight(const spoilt *p, const path *way) {
    const ic_conv2d_desc *d = &p->s->desc;
    const size_t channel = p->at / depth_of(p->s), tap = p->at % depth_of(p->s) / (d->in_channels / d->groups);
    const bool is_naive = way->algorithm == IC_ALGORITHM_NAIVE, splits = strstr(way->options, "+regions") != NULL;
    const bool leaves_out = is_naive || strstr(way->options, "+taps") != NULL;
    const size_t outputs = outputs_of(p->s);
    for (size_t i = 0; i < outputs; i++) {
        if (i % d->out_channels != channel) {
            expect(is_same(p, i), p, i, way);
        } else if (pixel_read(p->s, i, tap) >= 0) {
            expect(has_poison(p, i), p, i, way);
        } else {
            expect(leaves_out ? is_same(p, i) : isnan(p->after[i]) || (splits && is_same(p, i)), p, i, way);
        }
    }
}

void nonfinite(const char *kernel) {
    const bool naive = strcmp(kernel, "loops") == 0;
    uint64_t state = 5;
    for (unsigned i = 0; i < shape_count; i++) {
        const shape s = nth_shape(i);
        const tensors t = new_tensors(&s, VALUES_FLOAT, FLUSH_END, i);
        const size_t bytes = outputs_of(&s) * sizeof(float);
        float *before = malloc(bytes);
        CHECK(before != NULL);
        guarded_protect(t.input, inputs_of(&s) * sizeof(float), PROT_READ | PROT_WRITE);
        for (size_t p = 0; p < (naive ? 2 : path_count); p++) {
            const path *way = naive ? &naive_paths[p] : &paths[p];
            if ((!naive && is_left_out(p, i)) || !convolve(&s, kernel, way, &t, true, NULL, NULL)) {
                continue;
            }
            memcpy(before, t.output, bytes);
            spoilt now = {&s, before, t.output, random_next(&state) % inputs_of(&s), i % 2 != 0 ? NAN : INFINITY};
            const float input = t.input[now.at];
            t.input[now.at] = now.poison;
            CHECK(convolve(&s, kernel, way, &t, true, NULL, NULL));
            check_input(&now, way);
            t.input[now.at] = input;
            now.at = random_next(&state) % weights_of(&s);
            const float weight = t.weights[now.at];
            t.weights[now.at] = now.poison;
            CHECK(convolve(&s, kernel, way, &t, true, NULL, NULL));
            check_weight(&now, way);
            t.weights[now.at] = weight;
        }
        free(before);
        free_tensors(&s, t);
    }
}
