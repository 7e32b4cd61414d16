/* SPDX-License-Identifier: Apache-2.0
 * What the library chooses by itself: right, no larger than im2col, and explained. */
#include "check.h"
#include "choice/model.h"
#include "core/core.h"
#include "kernels/table.h"

#include <string.h>

static const ic_algorithm chosen[] = {IC_ALGORITHM_AUTO, IC_ALGORITHM_INDIRECT, IC_ALGORITHM_IM2COL,
                                      IC_ALGORITHM_DIRECT};

static void check_chosen(const shape *s, uint64_t seed, const char *name_for_auto) {
    float *weights = guarded_new(weights_of(s) * sizeof(float), FLUSH_END);
    float *input = guarded_new(inputs_of(s) * sizeof(float), FLUSH_END);
    float *output = guarded_new(outputs_of(s) * sizeof(float), FLUSH_END);
    fill(weights, weights_of(s), VALUES_INTEGER, &seed);
    fill(input, inputs_of(s), VALUES_INTEGER, &seed);
    for (size_t a = 0; a < sizeof chosen / sizeof chosen[0]; a++) {
        guarded_heap heap = {.place = FLUSH_END, .fail_at = -1};
        const ic_allocator allocator = guarded_allocator(&heap);
        const ic_options options = {.struct_size = sizeof options,
                                    .algorithm = chosen[a],
                                    .kernel = a == 0 ? name_for_auto : "best",
                                    .allocator = &allocator};
        ic_conv2d *conv;
        const ic_status status = ic_conv2d_create(&s->desc, weights, NULL, &options, &conv);
        if (status == IC_UNSUPPORTED && chosen[a] == IC_ALGORITHM_DIRECT) {
            continue;
        }
        CHECK(status == IC_OK);
        CHECK(ic_conv2d_reshape(conv, s->batch, s->height, s->width) == IC_OK);
        memset(output, 0xff, outputs_of(s) * sizeof(float));
        CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
        check_against_reference(s, VALUES_INTEGER, weights, NULL, input, output, "chosen");
        ic_conv2d_info info = {.struct_size = sizeof info};
        CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
        CHECK(info.algorithm != IC_ALGORITHM_AUTO && (a == 0 || info.algorithm == chosen[a]));
        const size_t pixels = info.output_height * info.output_width;
        const size_t matrix = pixels * depth_of(s) * s->desc.groups * sizeof(float);
        if (a == 0 && info.algorithm != IC_ALGORITHM_DIRECT) {
            CHECK(info.bytes[IC_MEMORY_POINTERS] + info.bytes[IC_MEMORY_MATRIX] <= matrix);
        }
        ic_conv2d_destroy(conv);
        CHECK(heap.live == 0);
    }
    guarded_free(weights, weights_of(s) * sizeof(float));
    guarded_free(input, inputs_of(s) * sizeof(float));
    guarded_free(output, outputs_of(s) * sizeof(float));
}

static void right(const char *kernel) {
    (void)kernel;
    for (unsigned i = 0; i < shape_count; i++) {
        const shape s = nth_shape(i);
        check_chosen(&s, i, i % 2 != 0 ? NULL : "best");
    }
    /* Too large for near caches: tiles ask for what comes next. In place, and by pointers. */
    const shape in_place = plain_shape(1, 26, 26, 256, 64);
    shape strided = plain_shape(3, 66, 66, 36, 64);
    strided.desc.stride_height = strided.desc.stride_width = 2;
    check_chosen(&in_place, 1, NULL);
    check_chosen(&strided, 2, NULL);
}

static bool is_chosen_for(const shape *s, ic_pool *pool, const char *part) {
    static const float weights[3 * 3 * 512 * 128];
    const ic_options options = {.struct_size = sizeof options, .algorithm = IC_ALGORITHM_AUTO, .pool = pool};
    ic_conv2d *conv;
    ic_conv2d_info info = {.struct_size = sizeof info};
    CHECK(ic_conv2d_create(&s->desc, weights, NULL, &options, &conv) == IC_OK);
    CHECK(ic_conv2d_reshape(conv, 1, s->height, s->width) == IC_OK);
    CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
    const bool has = strstr(info.kernel, part) != NULL;
    ic_conv2d_destroy(conv);
    return has;
}

/* Small deep images go tap by tap, where there are panels enough for the threads. */
static void split(const char *kernel) {
    (void)kernel;
    shape small = plain_shape(3, 7, 7, 512, 4), large = plain_shape(3, 56, 56, 64, 4);
    small.desc.pad_top = small.desc.pad_right = small.desc.pad_bottom = small.desc.pad_left = 1;
    large.desc.pad_top = large.desc.pad_right = large.desc.pad_bottom = large.desc.pad_left = 1;
    const ic_pool_options two = {sizeof two, 2, NULL, NULL};
    ic_pool *pool;
    CHECK(ic_pool_create(&two, &pool) == IC_OK);
    CHECK(is_chosen_for(&small, NULL, "+taps"));
    CHECK(is_chosen_for(&small, pool, "+regions"));
    CHECK(is_chosen_for(&large, NULL, "+regions"));
    small.desc.out_channels = 128; /* two panels of the widest kernel */
    CHECK(is_chosen_for(&small, pool, "+taps"));
    ic_pool_destroy(pool);
}

/* Sorting pixels by their taps pays where channels are many, not where a group has one. */
static void few_channels(const char *kernel) {
    (void)kernel;
    shape few = plain_shape(3, 8, 8, 64, 128), many = plain_shape(3, 28, 28, 128, 128);
    few.desc.pad_top = few.desc.pad_right = few.desc.pad_bottom = few.desc.pad_left = 1;
    many.desc.pad_top = many.desc.pad_right = many.desc.pad_bottom = many.desc.pad_left = 1;
    few.desc.groups = 64;
    many.desc.groups = 2;
    CHECK(!is_chosen_for(&few, NULL, "+regions"));
    CHECK(is_chosen_for(&many, NULL, "+regions"));
}

/* One object for two sizes, of which the larger needs blocks of a matrix and the smaller one blocks of pointers. */
static void resized(const char *kernel) {
    (void)kernel;
    shape s = plain_shape(47, 9, 9, 2, 256);
    s.desc.groups = 2;
    s.desc.pad_top = s.desc.pad_right = s.desc.pad_bottom = s.desc.pad_left = 23;
    uint64_t seed = 1;
    float *weights = guarded_new(weights_of(&s) * sizeof(float), FLUSH_END);
    float *input = guarded_new(inputs_of(&s) * sizeof(float), FLUSH_END);
    float *output = guarded_new(outputs_of(&s) * sizeof(float), FLUSH_END);
    fill(weights, weights_of(&s), VALUES_INTEGER, &seed);
    fill(input, inputs_of(&s), VALUES_INTEGER, &seed);
    const ic_options options = {.struct_size = sizeof options, .algorithm = IC_ALGORITHM_AUTO};
    ic_conv2d *conv;
    CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
    CHECK(ic_conv2d_reshape(conv, 1, 300, 300) == IC_OK);
    CHECK(ic_conv2d_reshape(conv, 1, s.height, s.width) == IC_OK);
    CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
    check_against_reference(&s, VALUES_INTEGER, weights, NULL, input, output, "resized");
    ic_conv2d_destroy(conv);
    guarded_free(weights, weights_of(&s) * sizeof(float));
    guarded_free(input, inputs_of(&s) * sizeof(float));
    guarded_free(output, outputs_of(&s) * sizeof(float));
}

/* Bytes of pointers as published, and with merged taps. */
static void pointers_of(const char *kernel, uint32_t taps, uint32_t stride, size_t side, size_t bytes[2]) {
    shape s = plain_shape(taps, side, side, 1, 1);
    static const float weights[7 * 7] = {0};
    char regions[64];
    snprintf(regions, sizeof regions, "%s+regions", kernel);
    s.desc.pad_top = s.desc.pad_right = s.desc.pad_bottom = s.desc.pad_left = taps / 2;
    s.desc.stride_height = s.desc.stride_width = stride;
    for (size_t i = 0; i < 2; i++) {
        const ic_options options = {
            .struct_size = sizeof options, .algorithm = IC_ALGORITHM_INDIRECT, .kernel = i == 0 ? kernel : regions};
        ic_conv2d *conv;
        ic_conv2d_info info = {.struct_size = sizeof info};
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, 1, side, side) == IC_OK);
        CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
        bytes[i] = info.bytes[IC_MEMORY_POINTERS];
        CHECK(i != 0 || bytes[0] == taps * taps * sizeof(void *) * info.output_height * info.output_width);
        ic_conv2d_destroy(conv);
    }
}

/* Merged taps divide the pointers by the kernel's width at least, however small the image (a region's sizes take more
 * than the half of theirs where pointers do); where a table serves many rows, by far more. */
enum { SMALL = sizeof(void *) == 8 ? 7 : 9 };

static void memory(const char *kernel) {
    (void)kernel;
    for (unsigned i = 0; ic_kernel_table(i) != NULL; i++) {
        const ic_kernel *row = ic_kernel_table(i);
        size_t bytes[2];
        if ((row->needs & ~ic_core_features()) != 0) {
            continue;
        }
        for (uint32_t taps = 3; taps <= 7; taps += 2) {
            for (size_t side = SMALL * taps / 3; side <= 57; side += 5) {
                pointers_of(row->name, taps, 1, side, bytes);
                CHECK(bytes[1] <= bytes[0] / taps);
            }
            for (size_t side = 2 * SMALL * taps / 3; side <= 114; side += 5) {
                pointers_of(row->name, taps, 2, side, bytes);
                CHECK(bytes[1] <= bytes[0] / taps);
            }
        }
        pointers_of(row->name, 3, 1, 56, bytes);
        CHECK(bytes[1] <= bytes[0] / 20);
    }
}

/* auto's pointers and matrix are no larger than im2col's matrix, whatever the number of threads: where pointers would
 * be, every thread has a block of the matrix for itself. Pointers of 32 bits never are. */
static void blocks(const char *kernel) {
    (void)kernel;
    const bool is_small = sizeof(void *) <= sizeof(float);
    const size_t most = is_small ? 400 : 3200;
    static const unsigned counts[] = {1, 2, 3, 8, 64};
    static const float weights[2 * 2 * 2 * 2] = {0};
    bool is_blocked = false;
    for (size_t t = 0; t < sizeof counts / sizeof counts[0]; t++) {
        ic_pool *pool;
        const ic_pool_options options = {sizeof options, counts[t], NULL, NULL};
        CHECK(ic_pool_create(&options, &pool) == IC_OK);
        for (size_t side = 100; side <= most; side = side * 5 / 4) {
            shape s = plain_shape(2, side, side, 1, 4);
            s.desc.dilation_width = 2; /* with padding, a pointer for each tap of each pixel */
            s.desc.pad_top = s.desc.pad_right = s.desc.pad_bottom = s.desc.pad_left = 1;
            const ic_options automatic = {
                .struct_size = sizeof automatic, .algorithm = IC_ALGORITHM_AUTO, .pool = pool};
            ic_conv2d *conv;
            ic_conv2d_info info = {.struct_size = sizeof info};
            CHECK(ic_conv2d_create(&s.desc, weights, NULL, &automatic, &conv) == IC_OK);
            CHECK(ic_conv2d_reshape(conv, 1, side, side) == IC_OK && ic_conv2d_get_info(conv, &info) == IC_OK);
            CHECK(info.algorithm == (is_small ? IC_ALGORITHM_INDIRECT : IC_ALGORITHM_IM2COL));
            CHECK(info.bytes[is_small ? IC_MEMORY_POINTERS : IC_MEMORY_MATRIX] <=
                  (side + 1) * side * depth_of(&s) * sizeof(float));
            is_blocked = is_blocked || strstr(info.kernel, "+block") != NULL;
            ic_conv2d_destroy(conv);
        }
        ic_pool_destroy(pool);
    }
    CHECK(is_blocked != is_small);
}

/* Few channels in each of many groups: all groups share the pointers, no matrix is made anew for each. */
static void grouped(const char *kernel) {
    (void)kernel;
    static const struct {
        uint32_t groups, taps, stride;
        size_t side, inputs, outputs; /* channels of a group */
    } layers[] = {
        {64, 3, 1, 28, 1, 2},  {32, 3, 1, 28, 2, 2}, {2, 3, 1, 56, 1, 2},  {2, 3, 1, 112, 1, 4}, {16, 5, 1, 28, 2, 4},
        {128, 3, 1, 14, 1, 2}, {8, 3, 1, 28, 1, 8},  {32, 1, 2, 28, 1, 2}, {3, 7, 2, 56, 1, 32},
    };
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        const uint32_t groups = layers[i].groups, taps = layers[i].taps;
        shape s =
            plain_shape(taps, layers[i].side, layers[i].side, groups * layers[i].inputs, groups * layers[i].outputs);
        s.desc.groups = groups;
        s.desc.stride_height = s.desc.stride_width = layers[i].stride;
        s.desc.pad_top = s.desc.pad_right = s.desc.pad_bottom = s.desc.pad_left = taps / 2;
        check_chosen(&s, i, NULL);
        static const float weights[7 * 7 * 256];
        const ic_options options = {.struct_size = sizeof options, .algorithm = IC_ALGORITHM_AUTO};
        ic_conv2d *conv;
        ic_conv2d_info info = {.struct_size = sizeof info};
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, 1, s.height, s.width) == IC_OK && ic_conv2d_get_info(conv, &info) == IC_OK);
        CHECK(info.algorithm == IC_ALGORITHM_INDIRECT);
        ic_conv2d_destroy(conv);
        /* ic_autotune may choose it, too */
        ic_algorithm algorithm;
        char schedule[IC_CHOICE_NAME];
        bool is_offered = false;
        for (unsigned c = 0; ic_candidate_at(&s.desc, 1, s.height, s.width, 1, c, &algorithm, schedule); c++) {
            is_offered = is_offered || (algorithm == IC_ALGORITHM_INDIRECT && strchr(schedule, '+') == NULL);
        }
        CHECK(is_offered);
    }
}

static ic_fetch fetch_of(const shape *s, unsigned gains, ic_split by) {
    const ic_core core = {.l2 = 1 << 20};
    ic_kernel kernel = *ic_kernel_table(0);
    ic_geometry geometry;
    kernel.gains = gains;
    CHECK(ic_make_geometry(&s->desc, 1, s->height, s->width, &geometry) == IC_OK);
    return ic_choose_fetch(&core, &s->desc, &geometry, &kernel, by);
}

/* What is asked for ahead, with 1 MiB of cache: by layer, and by what a kernel gains from. */
static void ahead(const char *kernel) {
    (void)kernel;
    const unsigned all = IC_GAINS_IMAGES | IC_GAINS_WEIGHTS;
    const shape large = plain_shape(3, 112, 112, 64, 64), flat = plain_shape(1, 56, 56, 64, 256);
    const shape small = plain_shape(3, 9, 9, 512, 64), few = plain_shape(3, 112, 112, 8, 64);
    shape grouped = plain_shape(7, 112, 112, 64, 64);
    grouped.desc.groups = 8;
    CHECK(fetch_of(&large, all, IC_SPLIT_REGIONS) == IC_FETCH_BETWEEN);
    CHECK(fetch_of(&flat, all, IC_SPLIT_NOT) == IC_FETCH_OUTPUT);
    CHECK(fetch_of(&few, all, IC_SPLIT_REGIONS) == IC_FETCH_OUTPUT);
    CHECK(fetch_of(&small, all, IC_SPLIT_REGIONS) == IC_FETCH_NOTHING);
    CHECK(fetch_of(&grouped, all, IC_SPLIT_REGIONS) == IC_FETCH_NOTHING); /* taps of 8 products */
    CHECK(fetch_of(&small, all, IC_SPLIT_TAPS) == IC_FETCH_WEIGHTS);
    CHECK(fetch_of(&large, IC_GAINS_WEIGHTS, IC_SPLIT_REGIONS) == IC_FETCH_NOTHING);
    CHECK(fetch_of(&small, IC_GAINS_WEIGHTS, IC_SPLIT_TAPS) == IC_FETCH_WEIGHTS);
    CHECK(fetch_of(&small, IC_GAINS_IMAGES, IC_SPLIT_TAPS) == IC_FETCH_NOTHING);
}

static unsigned block_of(const shape *s, unsigned columns, unsigned threads) {
    const ic_core core = {.l2 = 1 << 20};
    ic_kernel kernel = *ic_kernel_table(0);
    ic_schedule schedule = {.kernel = &kernel};
    ic_algorithm algorithm = IC_ALGORITHM_AUTO;
    ic_geometry geometry;
    kernel.columns = columns;
    CHECK(ic_make_geometry(&s->desc, 1, s->height, s->width, &geometry) == IC_OK);
    ic_choose_schedule(&core, &s->desc, &geometry, threads, &algorithm, &schedule);
    return schedule.block_tiles;
}

/* Blocks of narrow panels where the weights outgrow the cache, which threads share otherwise. */
static void narrow(const char *kernel) {
    (void)kernel;
    const shape deep = plain_shape(1, 7, 7, 2048, 512), light = plain_shape(1, 7, 7, 256, 512);
    CHECK(block_of(&deep, 16, 1) == 8);
    CHECK(block_of(&deep, 16, 2) == 0);
    CHECK(block_of(&deep, 64, 1) == 0);
    CHECK(block_of(&light, 16, 1) == 0);
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"right", right},     {"memory", memory}, {"blocks", blocks},
                                       {"resized", resized}, {"split", split},   {"few_channels", few_channels},
                                       {"ahead", ahead},     {"narrow", narrow}, {"grouped", grouped},
                                       {NULL, NULL}};
    return check_main(argc, argv, cases);
}
