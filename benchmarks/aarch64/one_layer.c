/* SPDX-License-Identifier: Apache-2.0
 * One layer, for an emulator whose plugin counts: create, reshape, then as many runs as asked for, each between the
 * plugin's marks, so that the last one counts, without any set-up.
 *
 *   one_layer H W KH KW PAD_TOP PAD_RIGHT PAD_BOTTOM PAD_LEFT STRIDE CIN COUT ALGORITHM KERNEL RUNS
 *
 * KERNEL is a schedule, "-" the library's own choice. Prints the algorithm and the schedule that run, its outer loop,
 * the bytes of the packed weights and of the L2 cache that the library reckons with. Exit code 3: the library refuses,
 * with its reason on stderr. */
#include "core/core.h"
#include "introspect.h"
#include "marks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { H, W, KH, KW, PAD_TOP, PAD_RIGHT, PAD_BOTTOM, PAD_LEFT, STRIDE, CIN, COUT, NUMBERS };

/* Zeros: what is counted does not depend on the values, and qemu multiplies zeros fastest. */
static float *new_floats(size_t count) {
    float *floats = calloc(count, sizeof(float));
    if (floats == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return floats;
}

/* Makes a result that had to be rounded. Until there was one, qemu multiplies at half the speed. */
static void round_once(void) {
    volatile float third = 1.0f;
    third /= 3.0f;
}

static void need(ic_status status) {
    if (status != IC_OK) {
        fprintf(stderr, "%s\n", ic_status_string(status));
        exit(3);
    }
}

int main(int argc, char **argv) {
    uint32_t n[NUMBERS];
    ic_algorithm algorithm;
    if (argc != NUMBERS + 4) {
        fputs("usage: one_layer H W KH KW PT PR PB PL STRIDE CIN COUT ALGORITHM KERNEL RUNS\n", stderr);
        return 2;
    }
    if (!ic_algorithm_from_name(argv[NUMBERS + 1], &algorithm)) {
        fputs("no such algorithm\n", stderr);
        return 3;
    }
    for (int i = 0; i < NUMBERS; i++) {
        n[i] = (uint32_t)strtoul(argv[i + 1], NULL, 10);
    }
    const char *kernel = strcmp(argv[NUMBERS + 2], "-") == 0 ? NULL : argv[NUMBERS + 2];
    const ic_conv2d_desc desc = {.struct_size = sizeof desc,
                                 .kernel_height = n[KH],
                                 .kernel_width = n[KW],
                                 .stride_height = n[STRIDE],
                                 .stride_width = n[STRIDE],
                                 .dilation_height = 1,
                                 .dilation_width = 1,
                                 .pad_top = n[PAD_TOP],
                                 .pad_right = n[PAD_RIGHT],
                                 .pad_bottom = n[PAD_BOTTOM],
                                 .pad_left = n[PAD_LEFT],
                                 .groups = 1,
                                 .in_channels = n[CIN],
                                 .out_channels = n[COUT],
                                 .output_min = -INFINITY,
                                 .output_max = INFINITY};
    const ic_options options = {.struct_size = sizeof options, .algorithm = algorithm, .kernel = kernel};
    round_once();
    float *weights = new_floats((size_t)n[COUT] * n[KH] * n[KW] * n[CIN]);
    float *input = new_floats((size_t)n[H] * n[W] * n[CIN]);
    ic_conv2d *conv;
    need(ic_conv2d_create(&desc, weights, NULL, &options, &conv));
    need(ic_conv2d_reshape(conv, 1, n[H], n[W]));
    ic_conv2d_info info = {.struct_size = sizeof info};
    need(ic_conv2d_get_info(conv, &info));
    float *output = new_floats(info.output_height * info.output_width * n[COUT]);
    const char *order = ic_conv2d_order(conv);
    printf("%s %s %s %zu %zu\n", ic_algorithm_name(info.algorithm), info.kernel, order != NULL ? order : "-",
           info.bytes[IC_MEMORY_WEIGHTS], ic_core_here().l2);
    fflush(stdout);
    for (unsigned long runs = strtoul(argv[NUMBERS + 3], NULL, 10); runs != 0; runs--) {
        __asm__ volatile(MARK_TEXT(MARK_BEGIN)::: "memory");
        const ic_status status = ic_conv2d_run(conv, input, output);
        __asm__ volatile(MARK_TEXT(MARK_END)::: "memory");
        need(status);
    }
    ic_conv2d_destroy(conv);
    return 0;
}
