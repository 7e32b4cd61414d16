/* SPDX-License-Identifier: Apache-2.0
 * A 3x3 convolution of an image of 8 x 8 pixels from 3 to 16 channels, stride 1, "same" padding, ReLU. C11 or C++11. */
#include <indirectconv.h>

#include <math.h>
#include <stdio.h>

enum { SIDE = 8, INPUTS = 3, OUTPUTS = 16 };

static float image[SIDE * SIDE * INPUTS];       /* [height][width][channels] */
static float weights[OUTPUTS * 3 * 3 * INPUTS]; /* [out channel][row][column][in channel] */
static float bias[OUTPUTS];                     /* [out channel] */
static float result[SIDE * SIDE * OUTPUTS];     /* [height][width][out channel] */

static int failed(const char *call, ic_status status) {
    if (status != IC_OK) {
        fprintf(stderr, "%s: %s: %s\n", call, ic_status_string(status), ic_last_error());
    }
    return status != IC_OK;
}

int main(void) {
    for (int i = 0; i < SIDE * SIDE * INPUTS; i++) {
        image[i] = 1;
    }
    for (int i = 0; i < OUTPUTS * 3 * 3 * INPUTS; i++) {
        weights[i] = 0.5f;
    }
    ic_conv2d_desc desc = IC_CONV2D_DESC_INIT;
    desc.kernel_height = desc.kernel_width = 3;
    desc.pad_top = desc.pad_right = desc.pad_bottom = desc.pad_left = 1;
    desc.in_channels = INPUTS;
    desc.out_channels = OUTPUTS;
    desc.output_max = INFINITY; /* and output_min = 0: ReLU */
    ic_options options = IC_OPTIONS_INIT;
    options.algorithm = IC_ALGORITHM_AUTO;
    ic_conv2d *conv = NULL;
    ic_conv2d_info info = IC_CONV2D_INFO_INIT;
    if (failed("create", ic_conv2d_create(&desc, weights, bias, &options, &conv)) ||
        failed("reshape", ic_conv2d_reshape(conv, 1, SIDE, SIDE)) ||
        failed("run", ic_conv2d_run(conv, image, result)) || failed("get_info", ic_conv2d_get_info(conv, &info))) {
        ic_conv2d_destroy(conv);
        return 1;
    }
    const uint32_t version = ic_version();
    printf("indirectconv %u.%u.%u: %s, corner %g, middle %g\n", (unsigned)(version >> 16),
           (unsigned)(version >> 8 & 255), (unsigned)(version & 255), info.kernel, (double)result[0],
           (double)result[(SIDE + 1) * OUTPUTS]);
    ic_conv2d_destroy(conv);
    return 0;
}
