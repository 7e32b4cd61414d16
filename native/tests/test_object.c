/* SPDX-License-Identifier: Apache-2.0
 * The object around the kernels: arguments, options, states, names. */
#include "check.h"
#include "core/core.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

static const ic_algorithm algorithms[] = {IC_ALGORITHM_NAIVE, IC_ALGORITHM_IM2COL, IC_ALGORITHM_DIRECT,
                                          IC_ALGORITHM_INDIRECT};

static ic_options options_for(ic_algorithm algorithm, const char *kernel, const ic_allocator *allocator) {
    const ic_options options = {
        .struct_size = sizeof options, .algorithm = algorithm, .kernel = kernel, .allocator = allocator};
    return options;
}

static ic_status create(const ic_conv2d_desc *desc, const ic_options *options) {
    static float numbers[4096];
    ic_conv2d *conv = (ic_conv2d *)(void *)numbers;
    const ic_status status = ic_conv2d_create(desc, numbers, NULL, options, &conv);
    CHECK((status == IC_OK) == (conv != NULL));
    ic_conv2d_destroy(conv);
    return status;
}

static void arguments(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6);
    const float weights[6 * 9 * 4] = {0};
    ic_conv2d *conv;
    CHECK(ic_conv2d_create(NULL, weights, NULL, NULL, &conv) == IC_INVALID_ARGUMENT && conv == NULL);
    CHECK(ic_conv2d_create(&s.desc, NULL, NULL, NULL, &conv) == IC_INVALID_ARGUMENT && conv == NULL);
    CHECK(ic_conv2d_create(&s.desc, weights, NULL, NULL, NULL) == IC_INVALID_ARGUMENT);
    CHECK(create(&s.desc, NULL) == IC_OK);

#define WRONG(field, value)                                                                                            \
    do {                                                                                                               \
        ic_conv2d_desc wrong = s.desc;                                                                                 \
        wrong.field = (value);                                                                                         \
        CHECK(create(&wrong, NULL) == IC_INVALID_ARGUMENT);                                                            \
    } while (0)
    WRONG(struct_size, sizeof wrong - 1);
    WRONG(struct_size, 0);
    WRONG(kernel_height, 0);
    WRONG(kernel_width, 0);
    WRONG(groups, 4); /* divides the inputs, not the outputs */
    WRONG(groups, 3); /* the other way round */
    WRONG(in_channels, 0);
    WRONG(out_channels, 0);
    WRONG(output_min, NAN);
    WRONG(output_max, NAN);
#undef WRONG
}

static void option_errors(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6), one = plain_shape(1, 8, 8, 4, 6);
    ic_options options = options_for(IC_ALGORITHM_INDIRECT, NULL, NULL);
    options.struct_size = 1;
    CHECK(create(&s.desc, &options) == IC_INVALID_ARGUMENT);
    options = options_for((ic_algorithm)5, NULL, NULL);
    CHECK(create(&s.desc, &options) == IC_INVALID_ARGUMENT);
    const ic_allocator empty = {NULL, NULL, NULL};
    options = options_for(IC_ALGORITHM_INDIRECT, NULL, &empty);
    CHECK(create(&s.desc, &options) == IC_INVALID_ARGUMENT);
    options = options_for(IC_ALGORITHM_INDIRECT, "avx1024_1x1", NULL);
    CHECK(create(&s.desc, &options) == IC_UNKNOWN_KERNEL);
    options = options_for(IC_ALGORITHM_NAIVE, "scalar_4x4", NULL);
    CHECK(create(&s.desc, &options) == IC_UNKNOWN_KERNEL);

    options = options_for(IC_ALGORITHM_DIRECT, NULL, NULL);
    CHECK(create(&one.desc, &options) == IC_OK);
    ic_conv2d_desc other = one.desc;
    other.kernel_width = 2;
    CHECK(create(&other, &options) == IC_UNSUPPORTED);
    other = one.desc;
    other.stride_height = 2;
    CHECK(create(&other, &options) == IC_UNSUPPORTED);
    other = one.desc;
    other.pad_left = 1;
    CHECK(create(&other, &options) == IC_UNSUPPORTED);
    other = one.desc;
    other.groups = 2;
    CHECK(create(&other, &options) == IC_UNSUPPORTED);

    ic_kernel_info view = IC_KERNEL_INFO_INIT;
    bool any = false;
    for (unsigned i = 0; ic_kernel_get_info(i, &view) == IC_OK; i++) {
        options = options_for(IC_ALGORITHM_INDIRECT, view.name, NULL);
        CHECK(create(&s.desc, &options) == (view.is_supported ? IC_OK : IC_UNSUPPORTED_HARDWARE));
        any = any || view.is_supported;
        CHECK(ic_kernel_address(i) != NULL && view.type == IC_TYPE_F32 && view.rows > 0 && view.columns > 0);
    }
    CHECK(any);
}

/* Whether all of it is 0xff. */
static bool is_untouched(const void *memory, size_t bytes) {
    const unsigned char *at = memory;
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != 0xff) {
            return false;
        }
    }
    return true;
}

/* `floats`, moved by less than a float. */
static float *askew(float *floats, size_t bytes) {
    return (float *)((uintptr_t)floats + bytes);
}

/* What is refused writes nothing: misaligned and absent tensors, wrong states, wrong sizes. */
static void refusals(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6);
    static float weights[6 * 9 * 4 + 1], bias[6 + 1], input[8 * 8 * 4 + 1], output[6 * 6 * 6 + 1];
    static const struct {
        ic_algorithm algorithm;
        const char *schedule;
    } ways[] = {{IC_ALGORITHM_NAIVE, NULL},
                {IC_ALGORITHM_IM2COL, NULL},
                {IC_ALGORITHM_IM2COL, "scalar_4x4+block2"},
                {IC_ALGORITHM_INDIRECT, NULL},
                {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions"},
                {IC_ALGORITHM_INDIRECT, "scalar_4x4+taps"},
                {IC_ALGORITHM_AUTO, NULL}};
    for (size_t a = 0; a < sizeof ways / sizeof ways[0]; a++) {
        const ic_options options = options_for(ways[a].algorithm, ways[a].schedule, NULL);
        ic_conv2d *conv;
        ic_conv2d_info info;
        for (size_t skew = 1; skew < sizeof(float); skew++) {
            CHECK(ic_conv2d_create(&s.desc, askew(weights, skew), bias, &options, &conv) == IC_INVALID_ARGUMENT);
            CHECK(conv == NULL);
            CHECK(ic_conv2d_create(&s.desc, weights, askew(bias, skew), &options, &conv) == IC_INVALID_ARGUMENT);
            CHECK(conv == NULL);
        }
        CHECK(ic_conv2d_create(&s.desc, weights, bias, &options, &conv) == IC_OK);
        memset(&info, 0xff, sizeof info);
        memset(output, 0xff, sizeof output);
        info.struct_size = sizeof info;
        CHECK(ic_conv2d_get_info(conv, &info) == IC_BAD_STATE);
        CHECK(is_untouched(&info.algorithm, sizeof info - sizeof info.struct_size));
        CHECK(ic_conv2d_run(conv, input, output) == IC_BAD_STATE);
        CHECK(ic_conv2d_reshape(conv, 1, 8, 8) == IC_OK);
        for (size_t skew = 1; skew < sizeof(float); skew++) {
            CHECK(ic_conv2d_run(conv, askew(input, skew), output) == IC_INVALID_ARGUMENT);
            CHECK(ic_conv2d_run(conv, input, askew(output, skew)) == IC_INVALID_ARGUMENT);
            CHECK(ic_conv2d_copy_only(conv, askew(input, skew)) == IC_INVALID_ARGUMENT);
        }
        CHECK(ic_conv2d_run(conv, NULL, output) == IC_INVALID_ARGUMENT);
        info.struct_size--;
        CHECK(ic_conv2d_get_info(conv, &info) == IC_INVALID_ARGUMENT);
        CHECK(is_untouched(&info.algorithm, sizeof info - sizeof info.struct_size));
        CHECK(ic_conv2d_reshape(conv, 1, SIZE_MAX, SIZE_MAX) == IC_OVERFLOW);
        CHECK(ic_conv2d_run(conv, input, output) == IC_BAD_STATE);
        CHECK(is_untouched(output, sizeof output));
        ic_conv2d_destroy(conv);
    }
}

/* run, get_info and reshape in the wrong order or with wrong arguments; reshape again and again. */
static void states(const char *kernel) {
    uint64_t seed = 7;
    shape s = plain_shape(3, 9, 10, 5, 21);
    s.desc.pad_top = s.desc.pad_right = 1;
    float weights[3 * 3 * 5 * 21], bias[21];
    fill(weights, weights_of(&s), VALUES_INTEGER, &seed);
    fill(bias, 21, VALUES_INTEGER, &seed);
    for (size_t a = 0; a < 4; a++) {
        if (algorithms[a] == IC_ALGORITHM_DIRECT) {
            continue;
        }
        static float input[4096], output[1 << 14];
        const ic_options options =
            options_for(algorithms[a], algorithms[a] == IC_ALGORITHM_NAIVE ? NULL : kernel, NULL);
        ic_conv2d_info info = {.struct_size = sizeof info};
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&s.desc, weights, bias, &options, &conv) == IC_OK);
        CHECK(ic_conv2d_run(conv, input, output) == IC_BAD_STATE);
        CHECK(ic_conv2d_get_info(conv, &info) == IC_BAD_STATE);
        CHECK(ic_conv2d_copy_only(conv, input) == IC_BAD_STATE);
        static const size_t sizes[][3] = {{1, 9, 10}, {1, 9, 10}, {3, 9, 10}, {2, 4, 3}, {1, 2, 2}, {1, 12, 5}};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            s.batch = sizes[i][0], s.height = sizes[i][1], s.width = sizes[i][2];
            CHECK(ic_conv2d_reshape(conv, s.batch, s.height, s.width) == IC_OK);
            fill(input, inputs_of(&s), VALUES_INTEGER, &seed);
            memset(output, 0xff, sizeof output);
            CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
            check_against_reference(&s, VALUES_INTEGER, weights, bias, input, output, "reshaped");
        }
        CHECK(ic_conv2d_run(conv, NULL, output) == IC_INVALID_ARGUMENT);
        CHECK(ic_conv2d_run(conv, input, NULL) == IC_INVALID_ARGUMENT);
        CHECK(ic_conv2d_copy_only(conv, input) == (algorithms[a] == IC_ALGORITHM_IM2COL ? IC_OK : IC_UNSUPPORTED));
        info.struct_size = 3;
        CHECK(ic_conv2d_get_info(conv, &info) == IC_INVALID_ARGUMENT);
        CHECK(ic_conv2d_reshape(conv, 0, 9, 10) == IC_INVALID_ARGUMENT);
        CHECK(ic_conv2d_run(conv, input, output) == IC_BAD_STATE);
        CHECK(ic_conv2d_reshape(conv, 1, 1, 10) == IC_INVALID_ARGUMENT); /* kernel over padded input */
        CHECK(ic_conv2d_reshape(conv, 1, 9, 1) == IC_INVALID_ARGUMENT);
        CHECK(ic_conv2d_reshape(conv, 1, 2, 2) == IC_OK);
        ic_conv2d_destroy(conv);
    }
    CHECK(ic_conv2d_reshape(NULL, 1, 1, 1) == IC_INVALID_ARGUMENT);
    CHECK(ic_conv2d_run(NULL, weights, bias) == IC_INVALID_ARGUMENT);
    ic_conv2d_destroy(NULL);
}

/* A NaN of the input comes through every kernel and its clamp, and a finite output beside it is clamped. */
static void not_a_number(const char *kernel) {
    (void)kernel;
    shape s = plain_shape(1, 1, 2, 1, 19);
    s.desc.output_min = 0, s.desc.output_max = 1;
    float weights[19], output[2 * 19];
    const float input[2] = {NAN, 2};
    for (size_t i = 0; i < 19; i++) {
        weights[i] = i % 2 != 0 ? 1 : -1;
    }
    ic_kernel_info view = {.struct_size = sizeof view, .is_supported = 1};
    unsigned index = 0;
    do { /* naive first */
        const ic_options options =
            options_for(view.name == NULL ? IC_ALGORITHM_NAIVE : IC_ALGORITHM_INDIRECT, view.name, NULL);
        ic_conv2d *conv;
        if (!view.is_supported) {
            continue;
        }
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, 1, 1, 2) == IC_OK);
        CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
        for (size_t i = 0; i < 19; i++) {
            CHECK(isnan(output[i]));
            CHECK(output[19 + i] == (i % 2 != 0 ? 1.0f : 0.0f));
        }
        ic_conv2d_destroy(conv);
    } while (ic_kernel_get_info(index++, &view) == IC_OK);
}

/* One output channel for each weight: what a clamp makes of -2 and 3, of an input of 1. */
static void check_clamp(float low, float high, float first, float second) {
    const float weights[2] = {-2, 3}, input[1] = {1};
    float output[2];
    ic_conv2d_desc desc = IC_CONV2D_DESC_INIT;
    desc.kernel_height = desc.kernel_width = 1;
    desc.in_channels = 1, desc.out_channels = 2;
    desc.output_min = low, desc.output_max = high;
    for (size_t a = 0; a < 4; a++) {
        const ic_options options = options_for(algorithms[a], NULL, NULL);
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&desc, weights, NULL, &options, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, 1, 1, 1) == IC_OK);
        CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
        CHECK(output[0] == first && output[1] == second);
        ic_conv2d_destroy(conv);
    }
}

/* The convolution of `desc` on an image, and what ran. */
static void convolve_plainly(const ic_conv2d_desc *desc, const ic_options *options, float *output, char name[64]) {
    static float weights[6 * 3 * 3 * 4], input[8 * 8 * 4];
    uint64_t seed = 3;
    ic_conv2d *conv;
    ic_conv2d_info info = IC_CONV2D_INFO_INIT;
    fill(weights, sizeof weights / sizeof weights[0], VALUES_FLOAT, &seed);
    fill(input, sizeof input / sizeof input[0], VALUES_FLOAT, &seed);
    CHECK(ic_conv2d_create(desc, weights, NULL, options, &conv) == IC_OK);
    CHECK(ic_conv2d_reshape(conv, 1, 8, 8) == IC_OK);
    CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
    CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
    snprintf(name, 64, "%s_%s", ic_algorithm_name(info.algorithm), info.kernel);
    ic_conv2d_destroy(conv);
}

/* Zeros mean the defaults, whatever field they stand in. */
static void defaults(const char *kernel) {
    (void)kernel;
    enum { OUTPUTS = 6 * 6 * 6 };
    static float wanted[OUTPUTS], output[OUTPUTS];
    const shape s = plain_shape(3, 8, 8, 4, 6);
    ic_conv2d_desc desc = IC_CONV2D_DESC_INIT;
    const ic_options options = IC_OPTIONS_INIT;
    const ic_options explicit = options_for(IC_ALGORITHM_INDIRECT, NULL, NULL);
    char name[64], other[64];
    desc.kernel_height = desc.kernel_width = 3;
    desc.in_channels = 4, desc.out_channels = 6;
    convolve_plainly(&s.desc, &explicit, wanted, name);
    CHECK(strncmp(name, "indirect_", 9) == 0 && strchr(name, '+') == NULL);
    const ic_options *const same[] = {NULL, &options, &explicit};
    for (size_t i = 0; i < 3; i++) {
        memset(output, 0xff, sizeof output);
        convolve_plainly(&desc, same[i], output, other);
        CHECK(strcmp(name, other) == 0 && memcmp(output, wanted, sizeof output) == 0);
    }
#define DEFAULT(field)                                                                                                 \
    do {                                                                                                               \
        ic_conv2d_desc one = s.desc;                                                                                   \
        one.field = 0;                                                                                                 \
        convolve_plainly(&one, NULL, output, other);                                                                   \
        CHECK(memcmp(output, wanted, sizeof output) == 0);                                                             \
    } while (0)
    DEFAULT(stride_height);
    DEFAULT(stride_width);
    DEFAULT(dilation_height);
    DEFAULT(dilation_width);
    DEFAULT(groups);
#undef DEFAULT
    check_clamp(0, 0, -2, 3);
    check_clamp(-INFINITY, INFINITY, -2, 3);
    check_clamp(0, INFINITY, 0, 3);
    check_clamp(-INFINITY, 0, -2, 0);
    check_clamp(-1, 0, -1, 0);
    check_clamp(0, 1, 0, 1);
    check_clamp(-0.0f, 0, 0, 0); /* as the header says */

    ic_pool *pool;
    const ic_pool_options alone = IC_POOL_OPTIONS_INIT;
    CHECK(ic_pool_create(&alone, &pool) == IC_OK);
    ic_options pooled = IC_OPTIONS_INIT;
    pooled.pool = pool;
    convolve_plainly(&desc, &pooled, output, other);
    CHECK(strcmp(name, other) == 0 && memcmp(output, wanted, sizeof output) == 0);
    ic_pool_destroy(pool);
    const ic_tuned_entry entry = IC_TUNED_ENTRY_INIT;
    const ic_tuning tuning = IC_TUNING_INIT;
    const ic_tune_options tune = IC_TUNE_OPTIONS_INIT;
    CHECK(entry.struct_size == sizeof entry && entry.desc.struct_size == sizeof entry.desc);
    CHECK(tuning.struct_size == sizeof tuning && tune.struct_size == sizeof tune);
}

/* Which method makes the object, and its bound. */
static void methods(const char *kernel) {
    (void)kernel;
    const shape plain = plain_shape(3, 8, 8, 4, 6);
    shape grouped = plain_shape(3, 8, 8, 8, 8);
    grouped.desc.groups = 8;
    const struct {
        const shape *shape;
        ic_algorithm algorithm;
        const char *kernel, *method;
    } tries[] = {{&plain, IC_ALGORITHM_NAIVE, NULL, "naive"},
                 {&plain, IC_ALGORITHM_AUTO, NULL, "tiled"},
                 {&plain, IC_ALGORITHM_INDIRECT, "scalar_4x4+regions", "tiled"},
                 {&grouped, IC_ALGORITHM_NAIVE, NULL, "naive"},
                 {&grouped, IC_ALGORITHM_AUTO, NULL, "depthwise"},
                 {&grouped, IC_ALGORITHM_INDIRECT, "best", "depthwise"},
                 {&grouped, IC_ALGORITHM_INDIRECT, "scalar_4x4+regions", "depthwise"},
                 {&grouped, IC_ALGORITHM_INDIRECT, NULL, "tiled"},
                 {&grouped, IC_ALGORITHM_IM2COL, "best", "tiled"}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        static const float weights[9 * 4 * 6];
        const ic_options options = options_for(tries[i].algorithm, tries[i].kernel, NULL);
        const double terms = ((double)depth_of(tries[i].shape) + 1) * 0x1p-24;
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&tries[i].shape->desc, weights, NULL, &options, &conv) == IC_OK);
        CHECK(strcmp(ic_conv2d_method(conv), tries[i].method) == 0);
        CHECK(ic_conv2d_error_bound(conv) == terms / (1 - terms));
        ic_conv2d_destroy(conv);
    }
}

/* Types and layouts that are not covered, each with its reason. */
static void types(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6);
    static const struct {
        int type, layout;
        const char *reason;
    } tries[] = {{IC_TYPE_F32, IC_LAYOUT_NHWC, NULL},
                 {IC_TYPE_F16, IC_LAYOUT_NHWC, "desc.type=1"},
                 {IC_TYPE_S8, IC_LAYOUT_NHWC, "desc.type=2"},
                 {99, IC_LAYOUT_NHWC, "desc.type=99"},
                 {IC_TYPE_F32, IC_LAYOUT_NCHW, "desc.layout=1"},
                 {IC_TYPE_F32, -1, "desc.layout=-1"}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        ic_conv2d_desc desc = s.desc;
        size_t height, width;
        ic_tuning tuning = IC_TUNING_INIT;
        const ic_tune_options options = {.struct_size = sizeof options, .budget_s = 1e-9};
        desc.type = (ic_type)tries[i].type;
        desc.layout = (ic_layout)tries[i].layout;
        const ic_status wanted = tries[i].reason == NULL ? IC_OK : IC_UNSUPPORTED;
        CHECK(create(&desc, NULL) == wanted);
        CHECK(wanted == IC_OK || strstr(ic_last_error(), tries[i].reason) == ic_last_error());
        CHECK(ic_conv2d_output_size(&desc, 8, 8, &height, &width) == wanted);
        CHECK(ic_autotune(&desc, 1, 8, 8, &options, &tuning) == wanted);
    }
}

static void output_sizes(const char *kernel) {
    (void)kernel;
    size_t height, width;
    for (unsigned i = 0; i < SHAPES; i++) {
        const shape s = nth_shape(i);
        CHECK(ic_conv2d_output_size(&s.desc, s.height, s.width, &height, &width) == IC_OK);
        CHECK(height == out_height(&s) && width == out_width(&s));
    }
    const shape s = plain_shape(3, 8, 8, 4, 6);
    height = width = 7;
    CHECK(ic_conv2d_output_size(&s.desc, 2, 8, &height, &width) == IC_INVALID_ARGUMENT);
    CHECK(ic_conv2d_output_size(&s.desc, 8, 0, &height, &width) == IC_INVALID_ARGUMENT);
    CHECK(ic_conv2d_output_size(&s.desc, SIZE_MAX, 8, &height, &width) == IC_OVERFLOW);
    CHECK(height == 7 && width == 7);
    CHECK(ic_conv2d_output_size(NULL, 8, 8, &height, &width) == IC_INVALID_ARGUMENT);
    CHECK(ic_conv2d_output_size(&s.desc, 8, 8, NULL, &width) == IC_INVALID_ARGUMENT);
    CHECK(ic_conv2d_output_size(&s.desc, 8, 8, &height, NULL) == IC_INVALID_ARGUMENT);
}

static void kernel_list(const char *kernel) {
    (void)kernel;
    ic_kernel_info info = IC_KERNEL_INFO_INIT, other = IC_KERNEL_INFO_INIT;
    CHECK(ic_kernel_count() > 0);
    for (unsigned i = 0; i < ic_kernel_count(); i++) {
        CHECK(ic_kernel_get_info(i, &info) == IC_OK);
        CHECK(strlen(info.name) > 0 && strlen(info.isa) > 0 && info.rows > 0 && info.columns > 0);
        for (unsigned before = 0; before < i; before++) {
            CHECK(ic_kernel_get_info(before, &other) == IC_OK && strcmp(other.name, info.name) != 0);
        }
    }
    CHECK(info.is_supported == 1 && info.features[0] == '\0'); /* the last one runs everywhere */
    CHECK(ic_kernel_get_info(ic_kernel_count(), &info) == IC_UNKNOWN_KERNEL);
    CHECK(ic_kernel_get_info(0, NULL) == IC_INVALID_ARGUMENT);
    info.struct_size = 1;
    CHECK(ic_kernel_get_info(0, &info) == IC_INVALID_ARGUMENT);
}

static void *fails_elsewhere(void *text) {
    CHECK(ic_last_error()[0] == '\0');
    CHECK(ic_conv2d_reshape(NULL, 1, 1, 1) == IC_INVALID_ARGUMENT);
    CHECK(strcmp(ic_last_error(), "conv is NULL") == 0);
    CHECK(strcmp(text, ic_last_error()) != 0);
    return NULL;
}

/* The text of a failure names the argument; it is the thread's own. */
static void last_errors(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6);
    pthread_t other;
    CHECK(ic_last_error()[0] == '\0');
    CHECK(create(&s.desc, NULL) == IC_OK && ic_last_error()[0] == '\0');
#define FAILS(change, wanted)                                                                                          \
    do {                                                                                                               \
        ic_conv2d_desc desc = s.desc;                                                                                  \
        ic_options options = IC_OPTIONS_INIT;                                                                          \
        change;                                                                                                        \
        CHECK(create(&desc, &options) != IC_OK);                                                                       \
        if (strstr(ic_last_error(), wanted) != ic_last_error()) {                                                      \
            fprintf(stderr, "%s\n", ic_last_error());                                                                  \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
    FAILS(desc.groups = 3, "desc.groups=3 does not divide desc.in_channels=4");
    FAILS(desc.in_channels = 0, "desc.in_channels is 0");
    FAILS(desc.kernel_width = 0, "desc.kernel_width is 0");
    FAILS(desc.struct_size = 2, "desc.struct_size=2 is not ");
    FAILS((desc.output_min = 2, desc.output_max = 1), "desc.output_min=2 ");
    FAILS(desc.out_channels = SIZE_MAX, "desc: weights ");
    FAILS(options.struct_size = 3, "options.struct_size=3 is not ");
    FAILS(options.algorithm = (ic_algorithm)7, "options.algorithm=7 ");
    FAILS(options.algorithm = IC_ALGORITHM_DIRECT, "options.algorithm=direct ");
    FAILS(options.kernel = "avx1024_1x1", "kernel=avx1024_1x1: ");
    FAILS(options.kernel = "scalar_4x4+wings", "kernel=scalar_4x4+wings: ");
#undef FAILS
    ic_conv2d *conv;
    const float weights[6 * 9 * 4] = {0};
    float output[6 * 6 * 6];
    CHECK(ic_conv2d_create(&s.desc, weights, NULL, NULL, &conv) == IC_OK);
    CHECK(ic_conv2d_run(conv, weights, output) == IC_BAD_STATE);
    CHECK(strcmp(ic_last_error(), "conv was not reshaped") == 0);
    CHECK(ic_conv2d_run(conv, NULL, output) == IC_INVALID_ARGUMENT);
    CHECK(strcmp(ic_last_error(), "input is NULL") == 0);
    CHECK(ic_conv2d_reshape(conv, 1, 1, 8) == IC_INVALID_ARGUMENT);
    CHECK(strstr(ic_last_error(), "height=1") == ic_last_error());
    char before[256];
    snprintf(before, sizeof before, "%s", ic_last_error());
    CHECK(pthread_create(&other, NULL, fails_elsewhere, before) == 0 && pthread_join(other, NULL) == 0);
    CHECK(strcmp(ic_last_error(), before) == 0);
    ic_conv2d_destroy(conv);
}

static void names(const char *kernel) {
    (void)kernel;
    for (int i = IC_OK; i <= IC_TUNED_DAMAGED; i++) {
        for (int j = IC_OK; j < i; j++) {
            CHECK(strcmp(ic_status_string((ic_status)i), ic_status_string((ic_status)j)) != 0);
        }
    }
    CHECK(strcmp(ic_status_string((ic_status)99), "unknown status") == 0);
    CHECK(ic_version() > 0 && ic_version() <= 0xffffff);
    for (size_t a = 0; a < 4; a++) {
        ic_algorithm found;
        CHECK(ic_algorithm_from_name(ic_algorithm_name(algorithms[a]), &found) && found == algorithms[a]);
    }
    ic_algorithm found;
    CHECK(!ic_algorithm_from_name("winograd", &found));
    CHECK(ic_cpu_features() == ic_cpu_features());
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"arguments", arguments},
                                       {"defaults", defaults},
                                       {"methods", methods},
                                       {"types", types},
                                       {"output_sizes", output_sizes},
                                       {"kernel_list", kernel_list},
                                       {"last_errors", last_errors},
                                       {"option_errors", option_errors},
                                       {"states", states},
                                       {"not_a_number", not_a_number},
                                       {"names", names},
                                       {"refusals", refusals},
                                       {NULL, NULL}};
    return check_main(argc, argv, cases);
}
