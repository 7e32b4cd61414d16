/* SPDX-License-Identifier: Apache-2.0 */
#include "winograd.h"

#include "paths.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>

enum { MOST_SHAPES = 30, THREADS = 3 };

static ic_pool *pool;

/* A shape of the sequence, made one that Winograd covers. */
static shape covered_shape(unsigned index) {
    shape s = nth_shape(index);
    ic_conv2d_desc *d = &s.desc;
    d->kernel_height = d->kernel_width = 3;
    d->stride_height = d->stride_width = d->dilation_height = d->dilation_width = 1;
    s.height += 2;
    s.width += index % 3 == 0 ? 15 : 2;
    return s;
}

static ic_conv2d *make(const shape *s, const tensors *t, const char *schedule, ic_pool *threads,
                       const ic_allocator *allocator) {
    const ic_options options = {.struct_size = sizeof options,
                                .algorithm = IC_ALGORITHM_WINOGRAD,
                                .kernel = schedule,
                                .allocator = allocator,
                                .pool = threads};
    ic_conv2d *conv;
    CHECK(ic_conv2d_create(&s->desc, t->weights, t->bias, &options, &conv) == IC_OK);
    CHECK(ic_conv2d_reshape(conv, s->batch, s->height, s->width) == IC_OK);
    return conv;
}

static void run(ic_conv2d *conv, const shape *s, const tensors *t) {
    memset(t->output, 0xff, outputs_of(s) * sizeof(float));
    CHECK(ic_conv2d_run(conv, t->input, t->output) == IC_OK);
}

/* |bias| and each weight's size times the largest input of its channel in the tile's patch. */
static double magnitude_of(const shape *s, const tensors *t, size_t output, unsigned tile) {
    const ic_conv2d_desc *d = &s->desc;
    const size_t o = output % d->out_channels, at = output / d->out_channels, inputs = d->in_channels / d->groups;
    const size_t x = at % out_width(s) / tile * tile, y = at / out_width(s) % out_height(s) / tile * tile;
    const size_t image = at / out_width(s) / out_height(s), first = o / (d->out_channels / d->groups) * inputs;
    double sum = fabs((double)t->bias[o]);
    for (size_t c = 0; c < inputs; c++) {
        double largest = 0, weights = 0;
        for (size_t i = 0; i < (tile + 2) * (tile + 2); i++) {
            const size_t row = y + i / (tile + 2) - d->pad_top, column = x + i % (tile + 2) - d->pad_left;
            if (row < s->height && column < s->width) {
                const size_t pixel = (image * s->height + row) * s->width + column;
                largest = fmax(largest, fabs((double)t->input[pixel * d->in_channels + first + c]));
            }
        }
        for (size_t tap = 0; tap < 9; tap++) {
            weights += fabs((double)t->weights[(o * 9 + tap) * inputs + c]);
        }
        sum += largest * weights;
    }
    return sum;
}

static void check_bound(const ic_conv2d *conv, const shape *s, const tensors *t, const reference_value *all,
                        unsigned tile) {
    for (size_t i = 0; i < outputs_of(s); i += outputs_of(s) > 4000 ? 13 : 1) {
        const double wanted = fmin(fmax(all[i].exact, (double)s->desc.output_min), (double)s->desc.output_max);
        const double bound = ic_conv2d_error_bound(conv) * magnitude_of(s, t, i, tile);
        if (!(fabs((double)t->output[i] - wanted) <= bound)) {
            describe(s, "winograd");
            fprintf(stderr, "+f%u: output %zu is %.9g, wanted %.9g within %.3g\n", tile, i, (double)t->output[i],
                    wanted, bound);
            exit(1);
        }
    }
}

/* A NaN reaches all outputs that read it, and none of another tile. */
static void check_nan(ic_conv2d *conv, const shape *s, const tensors *t, unsigned tile, const float *before) {
    const ic_conv2d_desc *d = &s->desc;
    const size_t at = inputs_of(s) / 2, pixel = at / d->in_channels, group = at % d->in_channels;
    const size_t row = pixel / s->width % s->height + d->pad_top, column = pixel % s->width + d->pad_left;
    const float kept = t->input[at];
    t->input[at] = NAN;
    run(conv, s, t);
    t->input[at] = kept;
    for (size_t i = 0; i < outputs_of(s); i++) {
        const size_t place = i / d->out_channels, x = place % out_width(s), y = place / out_width(s) % out_height(s);
        const bool is_group =
            i % d->out_channels / (d->out_channels / d->groups) == group / (d->in_channels / d->groups);
        const bool is_image = place / out_width(s) / out_height(s) == pixel / s->width / s->height;
        const size_t left = x / tile * tile, top = y / tile * tile;
        const bool in_tile =
            is_group && is_image && row >= top && row < top + tile + 2 && column >= left && column < left + tile + 2;
        if (in_tile && row >= y && row < y + 3 && column >= x && column < x + 3) {
            CHECK(isnan(t->output[i]));
        } else if (!in_tile) {
            CHECK(memcmp(&t->output[i], &before[i], sizeof(float)) == 0);
        }
    }
}

static void one_shape(const char *kernel, unsigned index, const reference_value *all, const shape *s,
                      const tensors *t) {
    const size_t bytes = outputs_of(s) * sizeof(float);
    float *alone = malloc(bytes);
    CHECK(alone != NULL);
    for (unsigned tile = 2; tile <= 6; tile += 2) {
        char schedule[64];
        snprintf(schedule, sizeof schedule, "%s+f%u", kernel, tile);
        guarded_heap heap = {.place = index % 2 != 0 ? FLUSH_END : FLUSH_START, .fail_at = -1};
        const ic_allocator allocator = guarded_allocator(&heap);
        ic_conv2d *conv = make(s, t, schedule, NULL, &allocator);
        ic_conv2d_info info = IC_CONV2D_INFO_INIT;
        CHECK(ic_conv2d_get_info(conv, &info) == IC_OK && strcmp(info.kernel, schedule) == 0);
        CHECK(info.algorithm == IC_ALGORITHM_WINOGRAD && strcmp(ic_conv2d_method(conv), "winograd") == 0);
        CHECK(info.bytes[IC_MEMORY_MATRIX] == heap.bytes[IC_MEMORY_MATRIX]);
        CHECK(info.bytes[IC_MEMORY_WEIGHTS] == heap.bytes[IC_MEMORY_WEIGHTS]);
        const size_t calls = heap.calls;
        run(conv, s, t);
        CHECK(heap.calls == calls);
        check_bound(conv, s, t, all, tile);
        memcpy(alone, t->output, bytes);
        check_nan(conv, s, t, tile, alone);
        ic_conv2d_destroy(conv);
        conv = make(s, t, schedule, pool, &allocator);
        run(conv, s, t);
        CHECK(memcmp(alone, t->output, bytes) == 0);
        ic_conv2d_destroy(conv);
        CHECK(heap.live == 0);
    }
    free(alone);
}

/* Objects whose tile, or method, the size chooses: one after the other, there and back. */
static void by_size(void) {
    static const size_t sizes[] = {30, 4, 13, 30};
    shape s = plain_shape(3, 30, 30, 32, 40);
    s.desc.pad_top = s.desc.pad_left = 1;
    const tensors t = new_tensors(&s, VALUES_FLOAT, FLUSH_END, 3);
    const double allowed[] = {0, 1, 4, 12, -1};
    bool took = false;
    for (size_t a = 0; a < 5; a++) {
        guarded_heap heap = {.place = FLUSH_END, .fail_at = -1};
        const ic_allocator allocator = guarded_allocator(&heap);
        ic_options options = {.struct_size = sizeof options, .algorithm = IC_ALGORITHM_AUTO, .allocator = &allocator};
        options.allowed_error = allowed[a];
        if (allowed[a] < 0) { /* Winograd as it suits */
            options = (ic_options){.struct_size = sizeof options,
                                   .algorithm = IC_ALGORITHM_WINOGRAD,
                                   .kernel = "best",
                                   .allocator = &allocator};
        }
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&s.desc, t.weights, t.bias, &options, &conv) == IC_OK);
        for (size_t i = 0; i < 4; i++) {
            s.height = s.width = sizes[i];
            ic_conv2d_info info = IC_CONV2D_INFO_INIT;
            CHECK(ic_conv2d_reshape(conv, 1, s.height, s.width) == IC_OK);
            CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
            const char *option = strstr(info.kernel, "+f");
            const unsigned tile = option != NULL ? (unsigned)(option[2] - '0') : 0;
            CHECK((info.algorithm == IC_ALGORITHM_WINOGRAD) == (tile != 0));
            CHECK(tile <= (allowed[a] < 1 && allowed[a] >= 0 ? 0 : allowed[a] == 1 ? 2 : allowed[a] == 4 ? 4 : 6));
            CHECK(allowed[a] >= 0 || tile != 0);
            took |= tile != 0 && allowed[a] > 0;
            CHECK(info.bytes[IC_MEMORY_WEIGHTS] == heap.bytes[IC_MEMORY_WEIGHTS]);
            reference_value *all = new_references(&s, t.weights, t.bias, t.input);
            run(conv, &s, &t);
            check_bound(conv, &s, &t, all, tile != 0 ? tile : 1);
            free(all);
        }
        ic_conv2d_destroy(conv);
        CHECK(heap.live == 0);
    }
    CHECK(took);
    s.height = s.width = 30;
    free_tensors(&s, t);
}

static void tables(const char *kernel) {
    shape s = plain_shape(3, 5, 5, 4, 4);
    char choice[IC_CHOICE_NAME], text[1024];
    snprintf(choice, sizeof choice, "winograd_%s+f4", kernel);
    ic_tuned_entry e = entry_of(&s, choice);
    ic_tuned *table, *loaded;
    size_t bytes;
    CHECK(ic_tuned_create(NULL, &table) == IC_OK && ic_tuned_add(table, &e) == IC_OK);
    CHECK(ic_tuned_print(table, text, sizeof text, &bytes) == IC_OK);
    CHECK(ic_tuned_load(text, bytes, NULL, &loaded) == IC_OK);
    static const float weights[4 * 9 * 4] = {0};
    for (double allowed = 0; allowed <= 4; allowed += 4) {
        ic_options options = {.struct_size = sizeof options, .algorithm = IC_ALGORITHM_AUTO, .tuned = loaded};
        options.allowed_error = allowed;
        ic_conv2d *conv;
        ic_conv2d_info info = IC_CONV2D_INFO_INIT;
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, 1, 5, 5) == IC_OK && ic_conv2d_get_info(conv, &info) == IC_OK);
        CHECK((info.algorithm == IC_ALGORITHM_WINOGRAD) == (allowed == 4));
        ic_conv2d_destroy(conv);
    }
    s.desc.stride_width = 2;
    e = entry_of(&s, choice);
    CHECK(ic_tuned_add(table, &e) == IC_UNSUPPORTED);
    ic_tuned_destroy(loaded);
    ic_tuned_destroy(table);
}

static void refusals(void) {
    shape s = plain_shape(3, 8, 8, 4, 6);
    static const char *const none[] = {"scalar_4x4+f3", "scalar_4x4+f", "scalar_4x4+f44", "scalar_4x4+f4+ahead",
                                       "scalar_4x4+regions"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        const ic_options options = options_for(IC_ALGORITHM_WINOGRAD, none[i], NULL);
        CHECK(try_create(&s.desc, &options) == IC_UNKNOWN_KERNEL);
    }
    ic_options options = options_for(IC_ALGORITHM_INDIRECT, "scalar_4x4+f4", NULL);
    CHECK(try_create(&s.desc, &options) == IC_UNKNOWN_KERNEL);
    options = options_for(IC_ALGORITHM_WINOGRAD, NULL, NULL);
    CHECK(try_create(&s.desc, &options) == IC_OK);
    options.struct_size = offsetof(ic_options, allowed_error);
    CHECK(try_create(&s.desc, &options) == IC_OK);
    options = options_for(IC_ALGORITHM_AUTO, NULL, NULL);
    options.allowed_error = -1;
    CHECK(try_create(&s.desc, &options) == IC_INVALID_ARGUMENT);
    options.allowed_error = (double)NAN;
    CHECK(try_create(&s.desc, &options) == IC_INVALID_ARGUMENT);
    options = options_for(IC_ALGORITHM_WINOGRAD, NULL, NULL);
    s.desc.dilation_height = 2;
    CHECK(try_create(&s.desc, &options) == IC_UNSUPPORTED);
    const shape wide = plain_shape(5, 8, 8, 4, 6);
    CHECK(try_create(&wide.desc, &options) == IC_UNSUPPORTED);
}

void winograd(const char *kernel) {
    const ic_pool_options options = {sizeof options, THREADS, NULL, NULL};
    CHECK(ic_pool_create(&options, &pool) == IC_OK);
    for (unsigned i = 0; i < MOST_SHAPES && i < shape_count; i++) {
        const shape s = covered_shape(i);
        const tensors t = new_tensors(&s, VALUES_FLOAT, i % 2 != 0 ? FLUSH_END : FLUSH_START, i);
        guarded_protect(t.input, inputs_of(&s) * sizeof(float), PROT_READ | PROT_WRITE);
        for (size_t k = 0; i % 4 == 1 && k < inputs_of(&s); k += 7) { /* beside what is a thousandth of it */
            t.input[k] *= 1000;
        }
        reference_value *all = new_references(&s, t.weights, t.bias, t.input);
        one_shape(kernel, i, all, &s, &t);
        free(all);
        free_tensors(&s, t);
    }
    by_size();
    tables(kernel);
    refusals();
    ic_pool_destroy(pool);
}
