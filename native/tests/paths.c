/* SPDX-License-Identifier: Apache-2.0 */
#include "paths.h"

#include <string.h>
#include <sys/mman.h>

const path paths[] = {
    {IC_ALGORITHM_INDIRECT, "", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "+block2", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "+regions", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "+regions+block3", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "", 3, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "+regions", 2, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "+taps", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "+taps", 3, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "+pixels", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "+pixels", 3, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_INDIRECT, "+panels", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_IM2COL, "+panels", 2, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_IM2COL, "+pixels", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_IM2COL, "+pixels", 2, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_DIRECT, "+pixels", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_DIRECT, "+panels", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_IM2COL, "", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_IM2COL, "+block1", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_IM2COL, "+block3", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_IM2COL, "", 2, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_IM2COL, "+block2", 3, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_DIRECT, "", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_DIRECT, "+block2", 1, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_DIRECT, "+block1", 2, IC_LAYOUT_NHWC},
    {IC_ALGORITHM_IM2COL, "", 1, IC_LAYOUT_NCHW},
    {IC_ALGORITHM_IM2COL, "", 3, IC_LAYOUT_NCHW},
    {IC_ALGORITHM_IM2COL, "+panels", 1, IC_LAYOUT_NCHW},
    {IC_ALGORITHM_IM2COL, "+pixels", 2, IC_LAYOUT_NCHW},
};
bool is_left_out(size_t p, unsigned shape_index) {
    const char *options = paths[p].options;
    const bool is_plain = paths[p].threads == 1 && strstr(options, "+block") == NULL && strcmp(options, "+panels") != 0;
    return !is_plain && (shape_index + p) % 5 != 0;
}

const path published_path = {IC_ALGORITHM_INDIRECT, "", 1, IC_LAYOUT_NHWC};
const path planes_path = {IC_ALGORITHM_IM2COL, "", 1, IC_LAYOUT_NCHW};
const path naive_paths[2] = {{IC_ALGORITHM_NAIVE, "", 1, IC_LAYOUT_NHWC}, {IC_ALGORITHM_NAIVE, "", 1, IC_LAYOUT_NCHW}};
const size_t path_count = sizeof paths / sizeof paths[0];

ic_pool *pool_of(unsigned threads) {
    static ic_pool *pools[4];
    if (threads > 1 && pools[threads] == NULL) {
        const ic_pool_options options = {sizeof options, threads, NULL, NULL};
        CHECK(ic_pool_create(&options, &pools[threads]) == IC_OK);
    }
    return threads > 1 ? pools[threads] : NULL;
}

tensors new_tensors(const shape *s, values kind, placement place, uint64_t seed) {
    tensors t;
    t.place = place;
    t.weights = guarded_new(weights_of(s) * sizeof(float), place);
    t.bias = guarded_new(s->desc.out_channels * sizeof(float), place);
    t.input = guarded_new(inputs_of(s) * sizeof(float), place);
    t.output = guarded_new(outputs_of(s) * sizeof(float), place);
    fill(t.weights, weights_of(s), kind, &seed);
    fill(t.bias, s->desc.out_channels, kind, &seed);
    fill(t.input, inputs_of(s), kind, &seed);
    guarded_protect(t.input, inputs_of(s) * sizeof(float), PROT_READ);
    return t;
}

void free_tensors(const shape *s, tensors t) {
    guarded_free(t.weights, weights_of(s) * sizeof(float));
    guarded_free(t.bias, s->desc.out_channels * sizeof(float));
    guarded_free(t.input, inputs_of(s) * sizeof(float));
    guarded_free(t.output, outputs_of(s) * sizeof(float));
}

/* Channels of pixels to planes, or with `back` planes to pixels. */
static void turn(float *to, const float *from, size_t images, size_t pixels, size_t channels, bool back) {
    for (size_t image = 0; image < images; image++) {
        for (size_t pixel = 0; pixel < pixels; pixel++) {
            for (size_t channel = 0; channel < channels; channel++) {
                const size_t of_pixels = (image * pixels + pixel) * channels + channel;
                const size_t of_planes = (image * channels + channel) * pixels + pixel;
                to[back ? of_pixels : of_planes] = from[back ? of_planes : of_pixels];
            }
        }
    }
}

/* On planes between pages without access, and the output back. Of one channel the input is a plane as it lies, however
 * large it is. */
static ic_status run_planes(const shape *s, ic_conv2d *conv, const tensors *t) {
    const size_t pixels = s->height * s->width, out_pixels = out_height(s) * out_width(s);
    const size_t in_bytes = inputs_of(s) * sizeof(float), out_bytes = outputs_of(s) * sizeof(float);
    const bool is_plane = s->desc.in_channels == 1;
    float *input = is_plane ? t->input : guarded_new(in_bytes, t->place), *output = guarded_new(out_bytes, t->place);
    if (!is_plane) {
        turn(input, t->input, s->batch, pixels, s->desc.in_channels, false);
        guarded_protect(input, in_bytes, PROT_READ);
    }
    memset(output, 0xff, out_bytes);
    const ic_status status = ic_conv2d_run(conv, input, output);
    turn(t->output, output, s->batch, out_pixels, s->desc.out_channels, true);
    if (!is_plane) {
        guarded_free(input, in_bytes);
    }
    guarded_free(output, out_bytes);
    return status;
}

bool convolve(const shape *s, const char *kernel, const path *p, const tensors *t, bool with_bias,
              const ic_allocator *allocator, const void **address) {
    char schedule[64];
    CHECK(snprintf(schedule, sizeof schedule, "%s%s", kernel, p->options) < (int)sizeof schedule);
    const ic_options options = {.struct_size = sizeof options,
                                .algorithm = p->algorithm,
                                .kernel = schedule,
                                .allocator = allocator,
                                .pool = pool_of(p->threads)};
    ic_conv2d *conv;
    ic_conv2d_desc desc = s->desc;
    desc.layout = p->layout;
    const ic_status status = ic_conv2d_create(&desc, t->weights, with_bias ? t->bias : NULL, &options, &conv);
    if (p->algorithm == IC_ALGORITHM_DIRECT && status == IC_UNSUPPORTED) {
        CHECK(conv == NULL);
        return false;
    }
    CHECK(status == IC_OK);
    CHECK(ic_conv2d_reshape(conv, s->batch, s->height, s->width) == IC_OK);
    memset(t->output, 0xff, outputs_of(s) * sizeof(float));
    CHECK((p->layout == IC_LAYOUT_NCHW ? run_planes(s, conv, t) : ic_conv2d_run(conv, t->input, t->output)) == IC_OK);
    ic_conv2d_info info = {.struct_size = sizeof info};
    CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
    CHECK(strcmp(info.kernel, schedule) == 0);
    CHECK(s->batch * info.output_height * info.output_width * s->desc.out_channels == outputs_of(s));
    if (address != NULL) {
        *address = ic_conv2d_kernel_address(conv);
    }
    ic_conv2d_destroy(conv);
    return true;
}
