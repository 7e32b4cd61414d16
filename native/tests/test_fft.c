/* SPDX-License-Identifier: Apache-2.0
 * Convolutions by Fourier transforms, with the kernels of every instruction set. */
#include "paths.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>

static const unsigned char tiles[] = {8, 12, 16, 20, 24, 32, 40, 48, 64, 72, 80, 96};

/* kh kw, dh dw, pad top right bottom left, groups, cin, cout, clamped, batch, height, width */
static const uint16_t shapes[][15] = {
    {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1},      /* the smallest */
    {7, 7, 1, 1, 3, 3, 3, 3, 19, 19, 19, 0, 2, 23, 21}, /* depthwise, part of a vector, several tiles */
    {9, 9, 1, 1, 4, 4, 4, 4, 1, 5, 7, 1, 1, 25, 30},    /* dense, clamped */
    {31, 31, 1, 1, 15, 15, 15, 15, 33, 33, 33, 0, 1, 7,
     8},                                             /* larger than the image: one tile, taps that read nothing */
    {13, 3, 1, 1, 6, 0, 6, 0, 6, 6, 6, 1, 1, 40, 6}, /* not square, padded in one direction */
    {2, 15, 1, 1, 0, 14, 1, 2, 1, 3, 5, 0, 2, 6, 35},
    {5, 5, 3, 2, 6, 4, 6, 4, 4, 8, 12, 0, 1, 17, 16}, /* dilation, groups of several channels */
    {3, 3, 1, 1, 0, 0, 0, 0, 7, 7, 21, 1, 1, 19, 9},  /* one input and three outputs in each group */
    {7, 7, 1, 1, 3, 3, 3, 3, 1, 17, 70, 0, 1, 9, 14}, /* over a panel of output channels */
    {3, 3, 1, 1, 30, 2, 40, 2, 5, 5, 5, 0, 1, 4, 4},  /* tiles that lie in the padding */
    {3, 3, 1, 1, 30, 2, 40, 2, 1, 2, 3, 0, 1, 4, 4},
    {9, 9, 1, 1, 0, 0, 0, 0, 1, 2, 2, 0, 1, 9, 9},  /* one output */
    {6, 6, 1, 1, 5, 0, 0, 0, 1, 1, 2, 0, 70, 6, 6}, /* more tiles than a block */
};

enum { SHAPES_HERE = sizeof shapes / sizeof shapes[0], MOST_CHANNELS = 70 };

static shape shape_of(unsigned index) {
    const uint16_t *a = shapes[index];
    shape s = plain_shape(1, a[13], a[14], a[9], a[10]);
    ic_conv2d_desc *d = &s.desc;
    d->kernel_height = a[0], d->kernel_width = a[1], d->dilation_height = a[2], d->dilation_width = a[3];
    d->pad_top = a[4], d->pad_right = a[5], d->pad_bottom = a[6], d->pad_left = a[7];
    d->groups = a[8], s.batch = a[12];
    if (a[11]) {
        d->output_min = -0.75f, d->output_max = 1.5f;
    }
    return s;
}

/* The spectra of many channels in a large tile are the work of seconds under emulation. */
static bool fits(const shape *s, unsigned tile) {
    const ic_conv2d_desc *d = &s->desc;
    if (tile > 40 && d->in_channels / d->groups * d->out_channels > 33) {
        return false;
    }
    return (d->kernel_height - 1) * d->dilation_height < tile && (d->kernel_width - 1) * d->dilation_width < tile;
}

/* An object that is shaped; tile 0: chosen. */
static ic_conv2d *make(const shape *s, const char *kernel, unsigned tile, unsigned threads, const tensors *t,
                       const ic_allocator *allocator) {
    char schedule[64];
    CHECK(snprintf(schedule, sizeof schedule, tile != 0 ? "%s+t%u" : "%s", kernel, tile) < (int)sizeof schedule);
    ic_options options = options_for(IC_ALGORITHM_FFT, schedule, allocator);
    options.pool = pool_of(threads);
    ic_conv2d *conv;
    ic_conv2d_info info = IC_CONV2D_INFO_INIT;
    CHECK(ic_conv2d_create(&s->desc, t->weights, t->bias, &options, &conv) == IC_OK);
    CHECK(ic_conv2d_reshape(conv, s->batch, s->height, s->width) == IC_OK);
    CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
    CHECK(info.algorithm == IC_ALGORITHM_FFT && strcmp(ic_conv2d_method(conv), "fft") == 0);
    CHECK(strncmp(info.kernel, kernel, strlen(kernel)) == 0 && strncmp(info.kernel + strlen(kernel), "+t", 2) == 0);
    CHECK(tile == 0 || strcmp(info.kernel, schedule) == 0);
    CHECK(info.bytes[IC_MEMORY_POINTERS] == 0 && info.bytes[IC_MEMORY_PADDING] == 0);
    return conv;
}

static void run(ic_conv2d *conv, const shape *s, const tensors *t) {
    memset(t->output, 0xff, outputs_of(s) * sizeof(float));
    CHECK(ic_conv2d_run(conv, t->input, t->output) == IC_OK);
}

static double largest_of(const shape *s, const tensors *t) {
    double largest = 0;
    for (size_t i = 0; i < inputs_of(s); i++) {
        largest = fmax(largest, fabs((double)t->input[i]));
    }
    return largest;
}

static double norms_of(const shape *s, const tensors *t, double largest, size_t channel) {
    const size_t taps = (size_t)s->desc.kernel_height * s->desc.kernel_width, inputs = depth_of(s) / taps;
    double all = 0;
    for (size_t i = 0; i < inputs; i++) {
        double squares = 0;
        for (size_t tap = 0; tap < taps; tap++) {
            squares += pow((double)t->weights[(channel * taps + tap) * inputs + i], 2);
        }
        all += sqrt(squares);
    }
    return fabs((double)t->bias[channel]) + largest * all;
}

/* What holds whatever the numbers are; and of random ones, which are off by a hundredth of that, enough of it
 * that a sum made less carefully is noticed. */
static void check(const ic_conv2d *conv, const shape *s, const tensors *t, const reference_value *all) {
    CHECK(ic_conv2d_bound_of(conv) == IC_BOUND_OF_NORMS);
    const double bound = ic_conv2d_error_bound(conv);
    CHECK(bound > 0 && bound < 0.01);
    double norms[MOST_CHANNELS];
    for (size_t c = 0; c < s->desc.out_channels; c++) {
        norms[c] = norms_of(s, t, largest_of(s, t), c);
    }
    for (size_t i = 0; i < outputs_of(s); i++) {
        const double wanted = fmin(fmax(all[i].exact, (double)s->desc.output_min), (double)s->desc.output_max);
        const double error = fabs((double)t->output[i] - wanted);
        const double most = bound / 20 * norms[i % s->desc.out_channels];
        if (!(error <= most)) {
            ic_conv2d_info info = IC_CONV2D_INFO_INIT;
            CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
            describe(s, info.kernel);
            fprintf(stderr, "output %zu is %.9g, wanted %.9g within %.3g\n", i, (double)t->output[i], wanted, most);
            exit(1);
        }
    }
}

/* Every shape with every tile that it fits, each in a fraction of the other properties: threads, guard pages on either
 * side of all memory, the library's own among it. */
static void bound(const char *kernel) {
    unsigned turn = 0;
    for (unsigned i = 0; i < SHAPES_HERE; i++) {
        const shape s = shape_of(i);
        for (unsigned place = 0; place < 2; place++) {
            const tensors t = new_tensors(&s, VALUES_FLOAT, place == 0 ? FLUSH_END : FLUSH_START, i);
            reference_value *all = new_references(&s, t.weights, t.bias, t.input);
            for (unsigned n = 0; n <= sizeof tiles; n++) {
                const unsigned tile = n == 0 ? 0 : tiles[n - 1];
                if ((n != 0 && (n + i + 4 * place) % 8 != 0) || (tile != 0 && !fits(&s, tile))) {
                    continue;
                }
                guarded_heap heap = {.place = t.place, .fail_at = -1};
                const ic_allocator allocator = guarded_allocator(&heap);
                ic_conv2d *conv = make(&s, kernel, tile, 1 + turn++ % 3, &t, &allocator);
                const size_t calls = heap.calls;
                run(conv, &s, &t);
                check(conv, &s, &t, all);
                CHECK(heap.calls == calls);
                ic_conv2d_destroy(conv);
                CHECK(heap.live == 0);
            }
            free(all);
            free_tensors(&s, t);
        }
    }
}

/* Bits don't depend on the number of threads, nor on the other images of a batch, nor on earlier sizes. */
static void bits(const char *kernel) {
    for (unsigned i = 0; i < SHAPES_HERE; i++) {
        shape s = shape_of(i);
        s.batch = s.batch == 1 ? 3 : s.batch;
        const tensors t = new_tensors(&s, VALUES_FLOAT, FLUSH_START, i);
        const size_t bytes = outputs_of(&s) * sizeof(float);
        float *first = malloc(bytes);
        CHECK(first != NULL);
        for (unsigned threads = 1; threads <= 3; threads++) {
            ic_conv2d *conv = make(&s, kernel, 0, threads, &t, NULL);
            run(conv, &s, &t);
            if (threads == 1) {
                memcpy(first, t.output, bytes);
            }
            CHECK(memcmp(first, t.output, bytes) == 0);
            if (threads == 1 || i < 4) { /* one image, then another size, whose tile may be another, then all again */
                CHECK(ic_conv2d_reshape(conv, 1, s.height, s.width) == IC_OK);
                CHECK(ic_conv2d_run(conv, t.input, t.output) == IC_OK);
                CHECK(memcmp(first, t.output, bytes / s.batch) == 0);
                CHECK(ic_conv2d_reshape(conv, 1, s.height + 40, s.width + 90) == IC_OK);
                CHECK(ic_conv2d_reshape(conv, s.batch, s.height, s.width) == IC_OK);
                run(conv, &s, &t);
                CHECK(memcmp(first, t.output, bytes) == 0);
            }
            ic_conv2d_destroy(conv);
        }
        free(first);
        free_tensors(&s, t);
    }
}

/* A value of the input that is not finite reaches every output that reads it; others of its tile may have it, those of
 * other images have not, nor have other groups. One of the weights reaches all outputs of its channel that read an
 * input by it, and no other channel. */
static void nonfinite(const char *kernel) {
    uint64_t state = 5;
    for (unsigned i = 0; i < SHAPES_HERE; i++) {
        shape s = shape_of(i);
        s.batch = 2;
        const ic_conv2d_desc *d = &s.desc;
        const size_t in_group = d->in_channels / d->groups, out_group = d->out_channels / d->groups;
        const size_t taps = (size_t)d->kernel_height * d->kernel_width, image = outputs_of(&s) / 2;
        const tensors t = new_tensors(&s, VALUES_FLOAT, FLUSH_END, i);
        const size_t bytes = outputs_of(&s) * sizeof(float);
        float *before = malloc(bytes);
        CHECK(before != NULL);
        guarded_protect(t.input, inputs_of(&s) * sizeof(float), PROT_READ | PROT_WRITE);
        ic_conv2d *conv = make(&s, kernel, 0, 1, &t, NULL);
        run(conv, &s, &t);
        memcpy(before, t.output, bytes);
        const size_t at = random_next(&state) % inputs_of(&s), of_group = at % d->in_channels / in_group;
        const float value = t.input[at];
        t.input[at] = i % 2 != 0 ? NAN : INFINITY;
        run(conv, &s, &t);
        ic_conv2d_destroy(conv);
        t.input[at] = value;
        for (size_t o = 0; o < outputs_of(&s); o++) {
            const bool is_other = o / image != at / (inputs_of(&s) / 2) || o % d->out_channels / out_group != of_group;
            bool reads = false;
            for (size_t tap = 0; tap < taps && !is_other && !reads; tap++) {
                reads = pixel_read(&s, o, tap) == (long)(at / d->in_channels);
            }
            CHECK(!reads || isnan(t.output[o]));
            CHECK(!is_other || memcmp(&before[o], &t.output[o], sizeof(float)) == 0);
        }
        const size_t weight = random_next(&state) % weights_of(&s);
        const float kept = t.weights[weight];
        t.weights[weight] = i % 2 != 0 ? INFINITY : NAN;
        conv = make(&s, kernel, 0, 1, &t, NULL);
        run(conv, &s, &t);
        ic_conv2d_destroy(conv);
        t.weights[weight] = kept;
        for (size_t o = 0; o < outputs_of(&s); o++) {
            const bool is_other = o % d->out_channels != weight / depth_of(&s);
            CHECK(is_other ? memcmp(&before[o], &t.output[o], sizeof(float)) == 0 : isnan(t.output[o]));
        }
        free(before);
        free_tensors(&s, t);
    }
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"bound", bound}, {"bits", bits}, {"nonfinite", nonfinite}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
