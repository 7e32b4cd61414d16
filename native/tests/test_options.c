/* SPDX-License-Identifier: Apache-2.0
 * Options, the kernels and schedules that they may name, and kernels by number. */
#include "check.h"

#include <string.h>

static void option_errors(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6), one = plain_shape(1, 8, 8, 4, 6);
    ic_options options = options_for(IC_ALGORITHM_INDIRECT, NULL, NULL);
    options.struct_size = 1;
    CHECK(try_create(&s.desc, &options) == IC_INVALID_ARGUMENT);
    options = options_for((ic_algorithm)99, NULL, NULL);
    CHECK(try_create(&s.desc, &options) == IC_INVALID_ARGUMENT);
    const ic_allocator empty = {NULL, NULL, NULL};
    options = options_for(IC_ALGORITHM_INDIRECT, NULL, &empty);
    CHECK(try_create(&s.desc, &options) == IC_INVALID_ARGUMENT);
    options = options_for(IC_ALGORITHM_INDIRECT, "avx1024_1x1", NULL);
    CHECK(try_create(&s.desc, &options) == IC_UNKNOWN_KERNEL);
    options = options_for(IC_ALGORITHM_NAIVE, "scalar_4x4", NULL);
    CHECK(try_create(&s.desc, &options) == IC_UNKNOWN_KERNEL);

    options = options_for(IC_ALGORITHM_DIRECT, NULL, NULL);
    CHECK(try_create(&one.desc, &options) == IC_OK);
    ic_conv2d_desc other = one.desc;
    other.kernel_width = 2;
    CHECK(try_create(&other, &options) == IC_UNSUPPORTED);
    other = one.desc;
    other.stride_height = 2;
    CHECK(try_create(&other, &options) == IC_UNSUPPORTED);
    other = one.desc;
    other.pad_left = 1;
    CHECK(try_create(&other, &options) == IC_UNSUPPORTED);
    other = one.desc;
    other.groups = 2;
    CHECK(try_create(&other, &options) == IC_UNSUPPORTED);

    ic_kernel_info view = IC_KERNEL_INFO_INIT;
    bool any = false;
    for (unsigned i = 0; ic_kernel_get_info(i, &view) == IC_OK; i++) {
        options = options_for(IC_ALGORITHM_INDIRECT, view.name, NULL);
        CHECK(try_create(&s.desc, &options) == (view.is_supported ? IC_OK : IC_UNSUPPORTED_HARDWARE));
        any = any || view.is_supported;
        CHECK(ic_kernel_address(i) != NULL && view.type == IC_TYPE_F32 && view.rows > 0 && view.columns > 0);
    }
    CHECK(any);
}

static void schedules(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6);
    static const float weights[6 * 9 * 4] = {0};
    static const struct {
        ic_algorithm algorithm;
        const char *name;
        ic_status status;
    } tries[] = {
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions+block12", IC_OK},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+block12+regions", IC_OK},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions+regions", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+taps", IC_OK},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+taps+ahead", IC_OK},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+block3+ahead", IC_OK},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+ahead+ahead", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+taps+regions", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions+taps", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+taps+block4", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+block4+taps", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+taps", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+block0", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+block03", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+block", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+block9999999999", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+block1x", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "+regions", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+regions", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+block3", IC_OK},
        {IC_ALGORITHM_DIRECT, "scalar_4x4+pixels", IC_UNSUPPORTED}, /* the algorithm, not the name */
        {IC_ALGORITHM_IM2COL, "scalar_4x4+pixels+panels", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+pixels+pixels", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+pixels+block2", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+block2+panels", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+pixel", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions+panels", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+panels+regions", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+pixels+taps", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+taps+pixels", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_AUTO, "scalar_4x4", IC_INVALID_ARGUMENT},
        {IC_ALGORITHM_NAIVE, "best", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_FFT, NULL, IC_OK},
        {IC_ALGORITHM_FFT, "best", IC_OK},
        {IC_ALGORITHM_FFT, "scalar_4x4", IC_OK},
        {IC_ALGORITHM_FFT, "scalar_4x4+t8", IC_OK},
        {IC_ALGORITHM_FFT, "scalar_4x4+t96", IC_OK},
        {IC_ALGORITHM_FFT, "scalar_4x4+t33", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_FFT, "scalar_4x4+t8+t8", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_FFT, "scalar_4x4+t08", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_FFT, "scalar_4x4+t", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_FFT, "scalar_4x4+regions", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+t8", IC_UNKNOWN_KERNEL},
        {IC_ALGORITHM_INDIRECT, "a_name_that_is_far_longer_than_any_kernel_will_ever_have_and_then_some_more_of_it",
         IC_UNKNOWN_KERNEL},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        const ic_options options = {
            .struct_size = sizeof options, .algorithm = tries[i].algorithm, .kernel = tries[i].name};
        ic_conv2d *conv;
        const ic_status status = ic_conv2d_create(&s.desc, weights, NULL, &options, &conv);
        if (status != tries[i].status) {
            fprintf(stderr, "%s: %s\n", tries[i].name, ic_status_string(status));
        }
        CHECK(status == tries[i].status);
        ic_conv2d_destroy(conv);
    }
    /* Options of version 0.1 end before the pool. */
    const ic_options old = {.struct_size = offsetof(ic_options, pool), .algorithm = IC_ALGORITHM_INDIRECT};
    ic_conv2d *conv;
    CHECK(ic_conv2d_create(&s.desc, weights, NULL, &old, &conv) == IC_OK);
    ic_conv2d_destroy(conv);
}

/* Convolutions that fft does not cover. */
static void transforms(const char *kernel) {
    (void)kernel;
    static const struct {
        uint32_t kernel, stride_height, stride_width, dilation;
        const char *schedule;
        ic_status status;
    } tries[] = {
        {96, 1, 1, 1, NULL, IC_OK},
        {97, 1, 1, 1, NULL, IC_UNSUPPORTED},
        {9, 1, 1, 12, NULL, IC_UNSUPPORTED},
        {2, 1, 1, UINT32_MAX, NULL, IC_UNSUPPORTED},
        {3, 2, 1, 1, NULL, IC_UNSUPPORTED},
        {3, 1, 2, 1, NULL, IC_UNSUPPORTED},
        {9, 1, 1, 1, "scalar_4x4+t8", IC_UNSUPPORTED},
        {8, 1, 1, 1, "scalar_4x4+t8", IC_OK},
    };
    static float weights[97 * 97];
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        shape s = plain_shape(tries[i].kernel, 1, 1, 1, 1);
        s.desc.stride_height = tries[i].stride_height, s.desc.stride_width = tries[i].stride_width;
        s.desc.dilation_height = s.desc.dilation_width = tries[i].dilation;
        const ic_options options = options_for(IC_ALGORITHM_FFT, tries[i].schedule, NULL);
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &options, &conv) == tries[i].status);
        CHECK(tries[i].status == IC_OK || strstr(ic_last_error(), "fft covers stride 1") != NULL);
        ic_conv2d_destroy(conv);
    }
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

int main(int argc, char **argv) {
    static const check_case cases[] = {{"option_errors", option_errors},
                                       {"schedules", schedules},
                                       {"kernel_list", kernel_list},
                                       {"transforms", transforms},
                                       {NULL, NULL}};
    return check_main(argc, argv, cases);
}
