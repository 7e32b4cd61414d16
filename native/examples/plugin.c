/* SPDX-License-Identifier: Apache-2.0
 * A shared object with the library inside, as a JNI library is one: linked with libindirectconv.a, which is position
 * independent, and loaded by dlopen. C11 or C++11. */
#include <indirectconv.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C"
#endif
    /* The mean of each pixel and its eight neighbours (beyond the edge: zeros) of `height` x `width` pixels; 0, or the
     * ic_status of what failed. */
    __attribute__((visibility("default"))) int blur(const float *image, float *result, size_t height, size_t width);

int blur(const float *image, float *result, size_t height, size_t width) {
    float weights[9];
    for (int i = 0; i < 9; i++) {
        weights[i] = 1.0f / 9;
    }
    ic_conv2d_desc desc = IC_CONV2D_DESC_INIT;
    desc.kernel_height = desc.kernel_width = 3;
    desc.pad_top = desc.pad_right = desc.pad_bottom = desc.pad_left = 1;
    desc.in_channels = desc.out_channels = 1;
    ic_conv2d *conv = NULL;
    ic_status status = ic_conv2d_create(&desc, weights, NULL, NULL, &conv);
    if (status == IC_OK) {
        status = ic_conv2d_reshape(conv, 1, height, width);
    }
    if (status == IC_OK) {
        status = ic_conv2d_run(conv, image, result);
    }
    ic_conv2d_destroy(conv);
    return (int)status;
}
