/* SPDX-License-Identifier: Apache-2.0
 * One layer, for an emulator that counts instructions: create, reshape, then as many runs as asked for. The difference
 * between two numbers of runs is what a run executes, without any set-up.
 *
 *   one_layer H W KH KW PAD_TOP PAD_RIGHT PAD_BOTTOM PAD_LEFT STRIDE CIN COUT ALGORITHM KERNEL RUNS
 *
 * KERNEL is a schedule, "-" the library's own choice. Prints the algorithm and the schedule that run. Exit code 3: the
 * library refuses, with its reason on stderr. */
#include "introspect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { H, W, KH, KW, PAD_TOP, PAD_RIGHT, PAD_BOTTOM, PAD_LEFT, STRIDE, CIN, COUT, NUMBERS };

static float *new_floats(size_t count) {
    float *floats = malloc(count * sizeof(float));
    if (floats == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        floats[i] = 0.5f;
    }
    return floats;
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
    float *weights = new_floats((size_t)n[COUT] * n[KH] * n[KW] * n[CIN]);
    float *input = new_floats((size_t)n[H] * n[W] * n[CIN]);
    ic_conv2d *conv;
    need(ic_conv2d_create(&desc, weights, NULL, &options, &conv));
    need(ic_conv2d_reshape(conv, 1, n[H], n[W]));
    ic_conv2d_info info = {.struct_size = sizeof info};
    need(ic_conv2d_get_info(conv, &info));
    float *output = new_floats(info.output_height * info.output_width * n[COUT]);
    printf("%s %s\n", ic_algorithm_name(info.algorithm), info.kernel);
    fflush(stdout);
    for (unsigned long runs = strtoul(argv[NUMBERS + 3], NULL, 10); runs != 0; runs--) {
        need(ic_conv2d_run(conv, input, output));
    }
    ic_conv2d_destroy(conv);
    return 0;
}
