/* SPDX-License-Identifier: Apache-2.0
 * Every kernel on every path that it serves. The kernel "loops" is the naive algorithm. */
#include "check.h"

#include <string.h>
#include <sys/mman.h>

/* Every algorithm with every option that it knows, on one thread and on several. */
typedef struct {
    ic_algorithm algorithm;
    const char *options; /* of the schedule */
    unsigned threads;
} path;

static const path paths[] = {
    {IC_ALGORITHM_INDIRECT, "", 1},         {IC_ALGORITHM_INDIRECT, "+block2", 1},
    {IC_ALGORITHM_INDIRECT, "+regions", 1}, {IC_ALGORITHM_INDIRECT, "+regions+block3", 1},
    {IC_ALGORITHM_INDIRECT, "", 3},         {IC_ALGORITHM_INDIRECT, "+regions", 2},
    {IC_ALGORITHM_IM2COL, "", 1},           {IC_ALGORITHM_IM2COL, "+block1", 1},
    {IC_ALGORITHM_IM2COL, "+block3", 1},    {IC_ALGORITHM_IM2COL, "", 2},
    {IC_ALGORITHM_IM2COL, "+block2", 3},    {IC_ALGORITHM_DIRECT, "", 1},
    {IC_ALGORITHM_DIRECT, "+block2", 1},    {IC_ALGORITHM_DIRECT, "+block1", 2},
};
/* The plain paths and regions take every shape; the others, which only change the order of work, a fifth each. */
static bool is_left_out(size_t p, unsigned shape_index) {
    const bool is_plain = paths[p].threads == 1 && strstr(paths[p].options, "+block") == NULL;
    return !is_plain && (shape_index + p) % 5 != 0;
}

static const path published = {IC_ALGORITHM_INDIRECT, "", 1};
static const path naive_path = {IC_ALGORITHM_NAIVE, "", 1};
#define PATHS (sizeof paths / sizeof paths[0])

static ic_pool *pool_of(unsigned threads) {
    static ic_pool *pools[4];
    if (threads > 1 && pools[threads] == NULL) {
        const ic_pool_options options = {sizeof options, threads, NULL, NULL};
        CHECK(ic_pool_create(&options, &pools[threads]) == IC_OK);
    }
    return threads > 1 ? pools[threads] : NULL;
}

typedef struct {
    float *weights, *bias, *input, *output;
    placement place;
} tensors;

static tensors new_tensors(const shape *s, values kind, placement place, uint64_t seed) {
    tensors t;
    t.place = place;
    t.weights = guarded_new(weights_of(s) * sizeof(float), place);
    t.bias = guarded_new(s->desc.out_channels * sizeof(float), place);
    t.input = guarded_new(inputs_of(s) * sizeof(float), place);
    t.output = guarded_new(outputs_of(s) * sizeof(float), place);
    fill(t.weights, weights_of(s), kind, &seed);
    fill(t.bias, s->desc.out_channels, kind, &seed);
    fill(t.input, inputs_of(s), kind, &seed);
    guarded_protect(t.input, inputs_of(s) * sizeof(float), PROT_READ);
    return t;
}

static void free_tensors(const shape *s, tensors t) {
    guarded_free(t.weights, weights_of(s) * sizeof(float));
    guarded_free(t.bias, s->desc.out_channels * sizeof(float));
    guarded_free(t.input, inputs_of(s) * sizeof(float));
    guarded_free(t.output, outputs_of(s) * sizeof(float));
}

/* False where the path doesn't cover the shape. */
static bool convolve(const shape *s, const char *kernel, const path *p, const tensors *t, bool with_bias,
                     const ic_allocator *allocator, const void **address) {
    char schedule[64];
    CHECK(snprintf(schedule, sizeof schedule, "%s%s", kernel, p->options) < (int)sizeof schedule);
    const ic_options options = {.struct_size = sizeof options,
                                .algorithm = p->algorithm,
                                .kernel = schedule,
                                .allocator = allocator,
                                .pool = pool_of(p->threads)};
    ic_conv2d *conv;
    const ic_status status = ic_conv2d_create(&s->desc, t->weights, with_bias ? t->bias : NULL, &options, &conv);
    if (p->algorithm == IC_ALGORITHM_DIRECT && status == IC_UNSUPPORTED) {
        CHECK(conv == NULL);
        return false;
    }
    CHECK(status == IC_OK);
    CHECK(ic_conv2d_reshape(conv, s->batch, s->height, s->width) == IC_OK);
    memset(t->output, 0xff, outputs_of(s) * sizeof(float));
    CHECK(ic_conv2d_run(conv, t->input, t->output) == IC_OK);
    ic_conv2d_info info = {.struct_size = sizeof info};
    CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
    CHECK(strcmp(info.kernel, schedule) == 0);
    CHECK(s->batch * info.output_height * info.output_width * s->desc.out_channels == outputs_of(s));
    if (address != NULL) {
        *address = ic_conv2d_kernel_address(conv);
    }
    ic_conv2d_destroy(conv);
    return true;
}

static void against_reference(const char *kernel, values kind, placement place, bool with_heap) {
    const bool naive = strcmp(kernel, "loops") == 0;
    for (unsigned i = 0; i < SHAPES; i++) {
        const shape s = nth_shape(i);
        const tensors t = new_tensors(&s, kind, place, i);
        const bool with_bias = i % 3 != 0;
        for (size_t p = 0; p < (naive ? 1 : PATHS); p++) {
            const path *way = naive ? &naive_path : &paths[p];
            if (!naive && is_left_out(p, i)) {
                continue;
            }
            guarded_heap heap = {.place = place, .fail_at = -1};
            const ic_allocator allocator = guarded_allocator(&heap);
            if (convolve(&s, kernel, way, &t, with_bias, with_heap ? &allocator : NULL, NULL)) {
                check_against_reference(&s, kind, t.weights, with_bias ? t.bias : NULL, t.input, t.output,
                                        ic_algorithm_name(way->algorithm));
            }
            CHECK(heap.live == 0);
        }
        free_tensors(&s, t);
    }
}

static void bound(const char *kernel) {
    against_reference(kernel, VALUES_FLOAT, FLUSH_START, false);
}

static void integers(const char *kernel) {
    against_reference(kernel, VALUES_INTEGER, FLUSH_START, false);
}

/* Tensors and all of the library's own buffers between pages without access; the input is read-only everywhere. */
static void guards(const char *kernel) {
    against_reference(kernel, VALUES_FLOAT, FLUSH_END, true);
    against_reference(kernel, VALUES_FLOAT, FLUSH_START, true);
}

/* All paths of a kernel are one function and give the same bits, on any number of threads. */
static void bits(const char *kernel) {
    unsigned direct = 0;
    for (unsigned i = 0; i < SHAPES; i++) {
        const shape s = nth_shape(i);
        const tensors t = new_tensors(&s, VALUES_FLOAT, FLUSH_START, i);
        const size_t bytes = outputs_of(&s) * sizeof(float);
        float *first = malloc(bytes);
        const void *address, *other;
        CHECK(first != NULL);
        CHECK(convolve(&s, kernel, &published, &t, true, NULL, &address));
        CHECK(address != NULL);
        memcpy(first, t.output, bytes);
        for (size_t p = 0; p < PATHS; p++) {
            if (!is_left_out(p, i) && convolve(&s, kernel, &paths[p], &t, true, NULL, &other)) {
                CHECK(address == other);
                CHECK(memcmp(first, t.output, bytes) == 0);
                direct += paths[p].algorithm == IC_ALGORITHM_DIRECT;
            }
        }
        free(first);
        free_tensors(&s, t);
    }
    CHECK(direct > 0);
}

/* Every height and width of tile: 1 to 13 pixels in one row, 1 to 130 channels, either side of 4 channels of depth. */
static void tails(const char *kernel) {
    for (size_t width = 1; width <= 13; width++) {
        for (size_t cout = 1; cout <= 130; cout += cout < 67 ? 1 : 7) {
            const shape s = plain_shape(1, 1, width, 1 + (width + cout) % 9, cout);
            const tensors t = new_tensors(&s, VALUES_INTEGER, FLUSH_END, width * 1000 + cout);
            CHECK(convolve(&s, kernel, &published, &t, true, NULL, NULL));
            check_against_reference(&s, VALUES_INTEGER, t.weights, t.bias, t.input, t.output, "tails");
            free_tensors(&s, t);
        }
    }
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"bound", bound}, {"integers", integers}, {"guards", guards},
                                       {"bits", bits},   {"tails", tails},       {NULL, NULL}};
    return check_main(argc, argv, cases);
}
