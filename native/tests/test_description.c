/* SPDX-License-Identifier: Apache-2.0
 * A description: what is refused, what zeros mean, types and layouts, and the size that it gives the output. */
#include "check.h"

#include <math.h>
#include <string.h>

static const ic_algorithm algorithms[] = {IC_ALGORITHM_NAIVE, IC_ALGORITHM_IM2COL, IC_ALGORITHM_DIRECT,
                                          IC_ALGORITHM_INDIRECT};

static void arguments(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6);
    const float weights[6 * 9 * 4] = {0};
    ic_conv2d *conv;
    CHECK(ic_conv2d_create(NULL, weights, NULL, NULL, &conv) == IC_INVALID_ARGUMENT && conv == NULL);
    CHECK(ic_conv2d_create(&s.desc, NULL, NULL, NULL, &conv) == IC_INVALID_ARGUMENT && conv == NULL);
    CHECK(ic_conv2d_create(&s.desc, weights, NULL, NULL, NULL) == IC_INVALID_ARGUMENT);
    CHECK(try_create(&s.desc, NULL) == IC_OK);

#define WRONG(field, value)                                                                                            \
    do {                                                                                                               \
        ic_conv2d_desc wrong = s.desc;                                                                                 \
        wrong.field = (value);                                                                                         \
        CHECK(try_create(&wrong, NULL) == IC_INVALID_ARGUMENT);                                                        \
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

/* Types and layouts that are not covered, each with its reason. */
static void types(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6);
    static const struct {
        int type, layout;
        const char *reason;
    } tries[] = {{IC_TYPE_F32, IC_LAYOUT_NHWC, NULL},         {IC_TYPE_F16, IC_LAYOUT_NHWC, "desc.type=1"},
                 {IC_TYPE_S8, IC_LAYOUT_NHWC, "desc.type=2"}, {99, IC_LAYOUT_NHWC, "desc.type=99"},
                 {IC_TYPE_F32, 2, "desc.layout=2"},           {IC_TYPE_F32, -1, "desc.layout=-1"}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        ic_conv2d_desc desc = s.desc;
        size_t height, width;
        ic_tuning tuning = IC_TUNING_INIT;
        const ic_tune_options options = {.struct_size = sizeof options, .budget_s = 1e-9};
        desc.type = (ic_type)tries[i].type;
        desc.layout = (ic_layout)tries[i].layout;
        const ic_status wanted = tries[i].reason == NULL ? IC_OK : IC_UNSUPPORTED;
        CHECK(try_create(&desc, NULL) == wanted);
        CHECK(wanted == IC_OK || strstr(ic_last_error(), tries[i].reason) == ic_last_error());
        CHECK(ic_conv2d_output_size(&desc, 8, 8, &height, &width) == wanted);
        CHECK(ic_autotune(&desc, 1, 8, 8, &options, &tuning) == wanted);
    }
}

/* NCHW: which algorithms and schedules cover it. */
static void planes(const char *kernel) {
    (void)kernel;
    shape s = plain_shape(1, 8, 8, 4, 6);
    s.desc.layout = IC_LAYOUT_NCHW;
    static const struct {
        ic_algorithm algorithm;
        const char *kernel;
        ic_status status;
    } tries[] = {{IC_ALGORITHM_NAIVE, NULL, IC_OK},
                 {IC_ALGORITHM_IM2COL, NULL, IC_OK},
                 {IC_ALGORITHM_IM2COL, "best", IC_OK},
                 {IC_ALGORITHM_IM2COL, "scalar_4x4+pixels", IC_OK},
                 {IC_ALGORITHM_IM2COL, "scalar_4x4+block2", IC_UNKNOWN_KERNEL},
                 {IC_ALGORITHM_IM2COL, "scalar_4x4+ahead", IC_UNKNOWN_KERNEL},
                 {IC_ALGORITHM_IM2COL, "scalar_4x4+regions", IC_UNKNOWN_KERNEL},
                 {IC_ALGORITHM_INDIRECT, NULL, IC_UNSUPPORTED},
                 {IC_ALGORITHM_FFT, NULL, IC_UNSUPPORTED},
                 {IC_ALGORITHM_INDIRECT, "best", IC_UNSUPPORTED},
                 {IC_ALGORITHM_DIRECT, NULL, IC_UNSUPPORTED},
                 {IC_ALGORITHM_AUTO, NULL, IC_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        const ic_options options = options_for(tries[i].algorithm, tries[i].kernel, NULL);
        CHECK(try_create(&s.desc, &options) == tries[i].status);
        CHECK(tries[i].status != IC_UNSUPPORTED || strstr(ic_last_error(), "layout=nchw: im2col and naive do") != NULL);
    }
    s.desc.groups = 2; /* depthwise is a method of its own */
    s.desc.in_channels = s.desc.out_channels = 2;
    CHECK(try_create(&s.desc, NULL) == IC_UNSUPPORTED);
    ic_tuning tuning = IC_TUNING_INIT;
    const ic_tune_options tune = {.struct_size = sizeof tune, .budget_s = 1e-9};
    CHECK(ic_autotune(&s.desc, 1, 8, 8, &tune, &tuning) == IC_UNSUPPORTED);
    CHECK(strstr(ic_last_error(), "auto chooses for nhwc alone") != NULL);
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

int main(int argc, char **argv) {
    static const check_case cases[] = {{"arguments", arguments}, {"defaults", defaults},         {"types", types},
                                       {"planes", planes},       {"output_sizes", output_sizes}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
