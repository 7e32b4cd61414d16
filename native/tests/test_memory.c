/* SPDX-License-Identifier: Apache-2.0
 * The object around the kernels: sizes that overflow, allocations, bytes, buffers that nobody writes. */
#include "check.h"

#include <string.h>
#include <sys/mman.h>

static const ic_algorithm algorithms[] = {IC_ALGORITHM_NAIVE, IC_ALGORITHM_IM2COL, IC_ALGORITHM_DIRECT,
                                          IC_ALGORITHM_INDIRECT};

static void overflow(const char *kernel) {
    shape s = plain_shape(3, 8, 8, 1, 1);
    s.desc.pad_top = s.desc.pad_left = s.desc.pad_right = s.desc.pad_bottom = 1;
    const float weights[9] = {0};
    for (size_t a = 0; a < 4; a++) {
        const ic_algorithm algorithm = algorithms[a];
        const ic_options options = options_for(algorithm, algorithm == IC_ALGORITHM_NAIVE ? NULL : kernel, NULL);
        if (algorithm != IC_ALGORITHM_DIRECT) {
            ic_conv2d_desc large = s.desc;
            large.in_channels = SIZE_MAX / 8;
            CHECK(try_create(&large, &options) == IC_OVERFLOW);
            large = s.desc;
            large.kernel_height = large.kernel_width = UINT32_MAX;
            CHECK(try_create(&large, &options) == IC_OVERFLOW);
            ic_conv2d *conv;
            CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
            CHECK(ic_conv2d_reshape(conv, 1, SIZE_MAX, 8) == IC_OVERFLOW);
            CHECK(ic_conv2d_reshape(conv, 1, 8, SIZE_MAX - 1) == IC_OVERFLOW);
            CHECK(ic_conv2d_reshape(conv, SIZE_MAX / 64, 8, 8) == IC_OVERFLOW);
            /* Input and output would fit; nine pointers or matrix entries per pixel don't. */
            const size_t side = (size_t)1 << (sizeof(size_t) * 4 - 2);
            CHECK(ic_conv2d_reshape(conv, 1, side, side) == (algorithm == IC_ALGORITHM_NAIVE ? IC_OK : IC_OVERFLOW));
            ic_conv2d_destroy(conv);
        }
        /* The weights would fit as they come, but not packed in full panels. */
        ic_conv2d_desc deep = plain_shape(1, 1, 1, SIZE_MAX / 16, 1).desc;
        if (algorithm != IC_ALGORITHM_NAIVE) {
            CHECK(try_create(&deep, &options) == IC_OVERFLOW);
        }
    }
    /* What pointers without padding would need. */
    static const char *const splits[] = {"scalar_4x4+regions", "scalar_4x4+taps"};
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        const ic_options options = options_for(IC_ALGORITHM_INDIRECT, splits[i], NULL);
        const size_t side = (size_t)1 << (sizeof(size_t) * 4 - 3);
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, 1, side, side) == IC_OVERFLOW);
        ic_conv2d_destroy(conv);
    }
    /* What spectra would need. */
    const ic_options spectra = options_for(IC_ALGORITHM_FFT, "scalar_4x4+t96", NULL);
    ic_conv2d_desc wide = plain_shape(1, 1, 1, SIZE_MAX / 4096, 64).desc;
    CHECK(try_create(&wide, &spectra) == IC_OVERFLOW);
    /* Output larger than the input can be: padding of 2^32 - 1 on all sides. */
    ic_conv2d_desc padded = plain_shape(1, 1, 1, 1, 1).desc;
    padded.pad_top = padded.pad_right = padded.pad_bottom = padded.pad_left = UINT32_MAX;
    ic_conv2d *conv;
    CHECK(ic_conv2d_create(&padded, weights, NULL, NULL, &conv) == IC_OK);
    CHECK(ic_conv2d_reshape(conv, 1, 1, 1) == IC_OVERFLOW);
    ic_conv2d_destroy(conv);
}

/* Every allocation fails once; nothing is lost, and the object is usable after a later success. */
static void out_of_memory(const char *kernel) {
    (void)kernel;
    static const struct {
        ic_algorithm algorithm;
        const char *schedule;
        unsigned failures;
    } ways[] = {
        {IC_ALGORITHM_NAIVE, NULL, 2},
        {IC_ALGORITHM_IM2COL, NULL, 3},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+block2", 3},
        {IC_ALGORITHM_IM2COL, "best", 3},
        {IC_ALGORITHM_DIRECT, NULL, 2},
        {IC_ALGORITHM_DIRECT, "scalar_4x4+block2", 2},
        {IC_ALGORITHM_INDIRECT, NULL, 4},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions", 4},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+taps", 3},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions+block2", 4},
        {IC_ALGORITHM_INDIRECT, "best", 4},
        {IC_ALGORITHM_AUTO, NULL, 4},
        {IC_ALGORITHM_FFT, "scalar_4x4+t12", 4}, /* object, spectra of weights, memory to make them, that of run */
        {IC_ALGORITHM_FFT, NULL, 5},             /* the weights as they are given, until the input's size is known */
    };
    static const float weights[6 * 9 * 4] = {0}, input[256] = {0};
    static float output[512];
    for (size_t a = 0; a < sizeof ways / sizeof ways[0]; a++) {
        const bool is_direct = ways[a].algorithm == IC_ALGORITHM_DIRECT;
        shape s = plain_shape(is_direct ? 1 : 3, 8, 8, 4, 6);
        s.desc.pad_top = is_direct ? 0 : 2; /* rows of two kinds */
        unsigned failures = 0;
        for (long n = 0;; n++) {
            guarded_heap heap = {.fail_at = n};
            const ic_allocator allocator = guarded_allocator(&heap);
            const ic_options options = options_for(ways[a].algorithm, ways[a].schedule, &allocator);
            ic_conv2d *conv;
            ic_status status = ic_conv2d_create(&s.desc, weights, NULL, &options, &conv);
            if (status != IC_OK) {
                CHECK(status == IC_OUT_OF_MEMORY && conv == NULL && heap.live == 0);
                failures++;
                continue;
            }
            status = ic_conv2d_reshape(conv, 1, s.height, s.width);
            const bool done = status == IC_OK;
            if (!done) {
                CHECK(status == IC_OUT_OF_MEMORY);
                CHECK(ic_conv2d_run(conv, input, output) == IC_BAD_STATE);
                CHECK(ic_conv2d_reshape(conv, 1, s.height, s.width) == IC_OK);
                failures++;
            }
            CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
            ic_conv2d_destroy(conv);
            CHECK(heap.live == 0);
            if (done) {
                break;
            }
        }
        CHECK(failures == ways[a].failures);
    }
}

/* The bytes that get_info tells are the allocator's, and are what the layout says. */
static void bytes(const char *kernel) {
    shape s = plain_shape(3, 10, 12, 8, 70);
    s.desc.pad_top = 1, s.batch = 2;
    const size_t pixels = 9 * 10;
    static const float weights[70 * 9 * 8] = {0};
    for (size_t a = 0; a < 4; a++) {
        if (algorithms[a] == IC_ALGORITHM_DIRECT) {
            continue;
        }
        guarded_heap heap = {.fail_at = -1};
        const ic_allocator allocator = guarded_allocator(&heap);
        const ic_options options =
            options_for(algorithms[a], algorithms[a] == IC_ALGORITHM_NAIVE ? NULL : kernel, &allocator);
        ic_conv2d *conv;
        ic_conv2d_info info = {.struct_size = sizeof info};
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, s.batch, s.height, s.width) == IC_OK);
        CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
        CHECK(memcmp(info.bytes, heap.bytes, sizeof info.bytes) == 0);
        const bool is_indirect = algorithms[a] == IC_ALGORITHM_INDIRECT;
        CHECK(info.bytes[IC_MEMORY_POINTERS] == (is_indirect ? sizeof(void *) * 9 * pixels : 0));
        CHECK(info.bytes[IC_MEMORY_MATRIX] == (algorithms[a] == IC_ALGORITHM_IM2COL ? 4 * 9 * 8 * pixels : 0));
        CHECK(info.bytes[IC_MEMORY_PADDING] == (is_indirect ? 4 * 8 : 0));
        CHECK(info.algorithm == algorithms[a] && info.batch == 2 && info.input_height == 10 && info.input_width == 12);
        CHECK(info.output_height == 9 && info.output_width == 10);
        ic_conv2d_destroy(conv);
    }
    s.desc.layout = IC_LAYOUT_NCHW; /* panels of 4 pixels, of two rows more than products; products and bias */
    guarded_heap heap = {.fail_at = -1};
    const ic_allocator allocator = guarded_allocator(&heap);
    const ic_options options = options_for(IC_ALGORITHM_IM2COL, "scalar_4x4", &allocator);
    ic_conv2d *conv;
    CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
    CHECK(ic_conv2d_reshape(conv, s.batch, s.height, s.width) == IC_OK);
    CHECK(heap.bytes[IC_MEMORY_MATRIX] == 4 * (2 + 9 * 8) * 4 * (pixels / 4 + 1));
    CHECK(heap.bytes[IC_MEMORY_WEIGHTS] == 4 * 70 * (1 + 9 * 8) && heap.bytes[IC_MEMORY_POINTERS] == 0);
    heap.fail_at = heap.allocations;
    CHECK(ic_conv2d_reshape(conv, s.batch, s.height + 1, s.width) == IC_OUT_OF_MEMORY);
    CHECK(heap.bytes[IC_MEMORY_MATRIX] == 0);
    ic_conv2d_destroy(conv);
    CHECK(heap.live == 0);
}

/* 100 runs, the input elsewhere and with other values in each, all of the library's memory but the object and the
 * matrix read-only, and no call of the allocator. */
static void read_only(const char *kernel) {
    for (size_t a = 1; a < 4; a++) {
        shape s = plain_shape(algorithms[a] == IC_ALGORITHM_DIRECT ? 1 : 3, 7, 8, 5, 70);
        if (algorithms[a] != IC_ALGORITHM_DIRECT) {
            s.desc.pad_top = s.desc.pad_right = s.desc.pad_bottom = s.desc.pad_left = 1;
        }
        s.batch = 2;
        uint64_t seed = 11;
        static float weights[70 * 9 * 5], bias[70], output[2 * 7 * 8 * 70];
        fill(weights, weights_of(&s), VALUES_INTEGER, &seed);
        fill(bias, 70, VALUES_INTEGER, &seed);
        guarded_heap heap = {.fail_at = -1};
        const ic_allocator allocator = guarded_allocator(&heap);
        const ic_options options = options_for(algorithms[a], kernel, &allocator);
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&s.desc, weights, bias, &options, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, s.batch, s.height, s.width) == IC_OK);
        CHECK((heap.memory[IC_MEMORY_POINTERS] != NULL) == (algorithms[a] == IC_ALGORITHM_INDIRECT));
        for (size_t kind = 0; kind < IC_MEMORY_KINDS; kind++) {
            if (heap.memory[kind] != NULL && kind != IC_MEMORY_OBJECT && kind != IC_MEMORY_MATRIX) {
                guarded_protect(heap.memory[kind], heap.bytes[kind], PROT_READ);
            }
        }
        const size_t calls = heap.calls, input_bytes = inputs_of(&s) * sizeof(float);
        void *held[100];
        for (size_t i = 0; i < 100; i++) {
            float *input = held[i] = guarded_new(input_bytes, i % 2 != 0 ? FLUSH_END : FLUSH_START);
            fill(input, inputs_of(&s), VALUES_INTEGER, &seed);
            CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
            check_against_reference(&s, VALUES_INTEGER, weights, bias, input, output, "moved input");
            guarded_protect(input, input_bytes, PROT_NONE); /* nobody looks at an earlier input */
        }
        CHECK(ic_conv2d_reshape(conv, s.batch, s.height, s.width) == IC_OK); /* the size already set: nothing to do */
        CHECK(heap.calls == calls);
        for (size_t i = 0; i < 100; i++) {
            guarded_free(held[i], input_bytes);
        }
        ic_conv2d_destroy(conv);
        CHECK(heap.live == 0);
    }
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"overflow", overflow},
                                       {"bytes", bytes},
                                       {"out_of_memory", out_of_memory},
                                       {"read_only", read_only},
                                       {NULL, NULL}};
    return check_main(argc, argv, cases);
}
