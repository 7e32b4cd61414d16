/* SPDX-License-Identifier: Apache-2.0
 * The life of an object: its states, what it refuses, its method. */
#include "check.h"

#include <math.h>
#include <string.h>

static const ic_algorithm algorithms[] = {IC_ALGORITHM_NAIVE, IC_ALGORITHM_IM2COL, IC_ALGORITHM_DIRECT,
                                          IC_ALGORITHM_INDIRECT};

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

/* Input and output that share an element are refused, and nothing is written; those that touch are not. */
static void overlap(const char *kernel) {
    (void)kernel;
    static const float weights[6 * 9 * 6];
    static float memory[4096];
    float *const input = memory + 2048;
    static const size_t outputs_by_channels[] = {3, 6, 1}; /* smaller than the input, larger, of one channel */
    for (size_t c = 0; c < 3; c++) {
        for (size_t a = 0; a < 4; a++) {
            for (size_t batch = 1; batch <= 2; batch++) {
                shape s = plain_shape(algorithms[a] == IC_ALGORITHM_DIRECT ? 1 : 3, 8, 7, 5, outputs_by_channels[c]);
                s.batch = batch;
                const ptrdiff_t inputs = (ptrdiff_t)inputs_of(&s), outputs = (ptrdiff_t)outputs_of(&s);
                const ptrdiff_t shared[] = {0, 1, -1, inputs - 1, 1 - outputs}, apart[] = {inputs, -outputs};
                const ic_options options = options_for(algorithms[a], NULL, NULL);
                ic_conv2d *conv;
                CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == IC_OK);
                CHECK(ic_conv2d_reshape(conv, batch, s.height, s.width) == IC_OK);
                memset(memory, 0xff, sizeof memory);
                for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
                    CHECK(ic_conv2d_run(conv, input, input + shared[i]) == IC_INVALID_ARGUMENT);
                    CHECK(strstr(ic_last_error(), "overlap") != NULL);
                }
                CHECK(is_untouched(memory, sizeof memory));
                for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++) {
                    CHECK(ic_conv2d_run(conv, input, input + apart[i]) == IC_OK);
                }
                ic_conv2d_destroy(conv);
            }
        }
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

/* A sum of -0 by every kernel and algorithm: +0 where the lower bound is 0, as it is elsewhere. */
static void zeros(const char *kernel) {
    (void)kernel;
    static const struct {
        float low, high, wanted;
    } clamps[] = {
        {0, 1, 0.0f},   {0, INFINITY, 0.0f}, {-0.0f, 1, 0.0f},   {-0.0f, 0, 0.0f},         {-0.0f, -0.0f, 0.0f},
        {-1, 1, -0.0f}, {-1, 0, -0.0f},      {-1, -0.0f, -0.0f}, {0, 0, -0.0f} /* none */, {-INFINITY, 0, -0.0f}};
    static const struct {
        ic_algorithm algorithm;
        const char *options;
        ic_layout layout;
    } ways[] = {{IC_ALGORITHM_NAIVE, NULL, IC_LAYOUT_NHWC},
                {IC_ALGORITHM_INDIRECT, "", IC_LAYOUT_NHWC},
                {IC_ALGORITHM_INDIRECT, "+regions", IC_LAYOUT_NHWC},
                {IC_ALGORITHM_INDIRECT, "+taps", IC_LAYOUT_NHWC},
                {IC_ALGORITHM_IM2COL, "", IC_LAYOUT_NHWC},
                {IC_ALGORITHM_DIRECT, "", IC_LAYOUT_NHWC},
                {IC_ALGORITHM_IM2COL, "", IC_LAYOUT_NCHW}};
    enum { CHANNELS = 67, PIXELS = 11 };
    static float weights[CHANNELS * CHANNELS], bias[CHANNELS], input[PIXELS * CHANNELS], output[PIXELS * CHANNELS];
    for (size_t i = 0; i < CHANNELS * CHANNELS; i++) {
        weights[i] = -1; /* by an input of 0 */
    }
    for (size_t i = 0; i < CHANNELS; i++) {
        bias[i] = -0.0f;
    }
    ic_kernel_info view = IC_KERNEL_INFO_INIT;
    for (unsigned k = 0; ic_kernel_get_info(k, &view) == IC_OK; k++) {
        for (size_t w = 0; view.is_supported && w < sizeof ways / sizeof ways[0]; w++) {
            for (unsigned grouped = 0; grouped < 2; grouped++) {
                for (size_t c = 0; c < sizeof clamps / sizeof clamps[0]; c++) {
                    shape s = plain_shape(1, 1, PIXELS, CHANNELS, CHANNELS);
                    s.desc.groups = grouped ? CHANNELS : 1;
                    s.desc.layout = ways[w].layout; /* all elements are alike */
                    s.desc.output_min = clamps[c].low, s.desc.output_max = clamps[c].high;
                    char schedule[IC_CHOICE_NAME];
                    snprintf(schedule, sizeof schedule, "%s%s", view.name, w == 0 ? "" : ways[w].options);
                    const ic_options options = options_for(ways[w].algorithm, w == 0 ? NULL : schedule, NULL);
                    ic_conv2d *conv;
                    if (ways[w].algorithm == IC_ALGORITHM_DIRECT && grouped) {
                        continue;
                    }
                    CHECK(ic_conv2d_create(&s.desc, weights, bias, &options, &conv) == IC_OK);
                    CHECK(ic_conv2d_reshape(conv, 1, 1, PIXELS) == IC_OK);
                    CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
                    for (size_t i = 0; i < PIXELS * CHANNELS; i++) {
                        CHECK(output[i] == 0 && signbit(output[i]) == signbit(clamps[c].wanted));
                    }
                    ic_conv2d_destroy(conv);
                }
            }
        }
    }
}

/* Which method makes the object, and its bound. */
static void methods(const char *kernel) {
    (void)kernel;
    const shape plain = plain_shape(3, 8, 8, 4, 6);
    shape grouped = plain_shape(3, 8, 8, 8, 8);
    grouped.desc.groups = 8;
    shape planes = grouped;
    planes.desc.layout = IC_LAYOUT_NCHW;
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
                 {&grouped, IC_ALGORITHM_IM2COL, "best", "tiled"},
                 {&planes, IC_ALGORITHM_NAIVE, NULL, "naive"},
                 {&planes, IC_ALGORITHM_IM2COL, NULL, "nchw"},
                 {&plain, IC_ALGORITHM_FFT, "scalar_4x4+t8", "fft"},
                 {&grouped, IC_ALGORITHM_FFT, "scalar_4x4+t8", "fft"}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        static const float weights[9 * 4 * 6];
        const ic_options options = options_for(tries[i].algorithm, tries[i].kernel, NULL);
        const double terms = ((double)depth_of(tries[i].shape) + 1) * 0x1p-24;
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&tries[i].shape->desc, weights, NULL, &options, &conv) == IC_OK);
        CHECK(strcmp(ic_conv2d_method(conv), tries[i].method) == 0);
        const bool of_norms = ic_conv2d_bound_of(conv) == IC_BOUND_OF_NORMS;
        CHECK(of_norms == (tries[i].algorithm == IC_ALGORITHM_FFT));
        CHECK(of_norms || ic_conv2d_error_bound(conv) == terms / (1 - terms));
        ic_conv2d_destroy(conv);
    }
}

int main(int argc, char **argv) {
    static const check_case cases[] = {
        {"refusals", refusals}, {"overlap", overlap}, {"states", states}, {"not_a_number", not_a_number},
        {"zeros", zeros},       {"methods", methods}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
