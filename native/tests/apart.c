/* SPDX-License-Identifier: Apache-2.0
 * Inputs of gigabytes of which only the few pixels are there that the taps read. */
#define _GNU_SOURCE /* MAP_NORESERVE */
#include "apart.h"

#include "paths.h"

#include <string.h>
#include <sys/mman.h>

#if PTRDIFF_MAX > INT32_MAX
enum { SHAPES_APART = 4, FAR = 1 << 30 };
#define FAR_PADDING UINT32_MAX
#else /* less of an address space; no place for the last shape, whose strides are the largest that there are */
enum { SHAPES_APART = 3, FAR = 1 << 24 };
#define FAR_PADDING (4u * FAR - 1)
#endif

static shape shape_apart(unsigned index) {
    shape s = plain_shape(1, 1, 1, 1, 3);
    ic_conv2d_desc *d = &s.desc;
    if (index == 0) { /* taps far apart, down and across */
        d->kernel_height = d->kernel_width = 2, d->dilation_width = FAR;
        s.height = 2, s.width = (size_t)FAR + 1;
    } else if (index == 1) { /* outputs whose taps lie far apart; those after the second in the padding */
        d->stride_width = FAR, d->pad_right = FAR_PADDING;
        s.width = (size_t)FAR + 1;
    } else if (index == 2) { /* rows, and outputs whose taps lie side by side */
        d->kernel_height = d->kernel_width = 2, d->stride_width = FAR;
        s.height = 2, s.width = (size_t)FAR + 2;
    } else { /* the largest that there are */
        d->stride_height = d->stride_width = d->dilation_height = d->dilation_width = UINT32_MAX;
        d->kernel_width = 2, d->pad_right = d->pad_bottom = UINT32_MAX;
        s.height = 2;
    }
    return s;
}

static void *sparse(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

void apart(const char *kernel) {
    for (unsigned i = 0; i < SHAPES_APART; i++) {
        const shape s = shape_apart(i);
        const size_t bytes = inputs_of(&s) * sizeof(float);
        uint64_t seed = i;
        float weights[3 * 4], bias[3], output[64];
        tensors t = {.weights = weights, .bias = bias, .input = sparse(bytes), .output = output};
        CHECK(weights_of(&s) <= sizeof weights / sizeof weights[0] &&
              outputs_of(&s) <= sizeof output / sizeof output[0]);
        fill(weights, weights_of(&s), VALUES_INTEGER, &seed);
        fill(bias, 3, VALUES_INTEGER, &seed);
        for (size_t n = 0; n < outputs_of(&s); n++) {
            for (size_t tap = 0; tap < depth_of(&s); tap++) {
                const long pixel = pixel_read(&s, n, tap);
                t.input[pixel >= 0 ? pixel : 0] = (float)(int)random_range(&seed, 1, 16);
            }
        }
        for (size_t p = 0; p < path_count; p++) {
            if (convolve(&s, kernel, &paths[p], &t, true, NULL, NULL)) {
                check_against_reference(&s, VALUES_INTEGER, weights, bias, t.input, output, paths[p].options);
            }
        }
        CHECK(munmap(t.input, bytes) == 0);
    }
}
