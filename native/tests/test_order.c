/* SPDX-License-Identifier: Apache-2.0
 * The order of the loops around the micro-kernel: which one the rule picks, which names ask for one, what then runs. */
#include "check.h"
#include "introspect.h"
#include "kernels/table.h"
#include "choice/order.h"

#include <string.h>

/* By the rule, for a tile of 6 x 8 as a phone's little core has. */
static ic_order order_beside(size_t l2, size_t l3, const shape *s) {
    const ic_core core = {.l2 = l2, .l3 = l3};
    ic_kernel kernel = *ic_kernel_table(0);
    ic_geometry geometry;
    kernel.rows = 6, kernel.columns = 8;
    CHECK(ic_make_geometry(&s->desc, s->batch, s->height, s->width, &geometry) == IC_OK);
    return ic_order_by_rule(&core, &s->desc, &geometry, &kernel);
}

static ic_order order_with(size_t l2, const shape *s) {
    return order_beside(l2, 0, s);
}

static void rule(const char *kernel) {
    (void)kernel;
    enum { KIB = 1 << 10 };
    /* Matrix 7.2 MB, weights 147 KB, 8 panels: the weights stay in 512 KiB, the matrix does not. */
    const shape wide = plain_shape(3, 56, 56, 64, 64);
    CHECK(order_with(512 * KIB, &wide) == IC_ORDER_PIXELS);
    CHECK(order_with(8 * KIB * KIB, &wide) == IC_ORDER_PIXELS);
    CHECK(order_with(16 * KIB * KIB, &wide) == IC_ORDER_PANELS); /* both stay */
    /* Weights beyond the cache 523 times are 77 MB, the matrix 8 times 58 MB. */
    CHECK(order_with(128 * KIB, &wide) == IC_ORDER_PANELS);
    /* Matrix 0.9 MB, weights 9.4 MB, 64 panels, 9 tiles: neither stays. */
    const shape deep = plain_shape(3, 7, 7, 512, 512);
    CHECK(order_with(512 * KIB, &deep) == IC_ORDER_PANELS);
    CHECK(order_with(2 * KIB * KIB, &deep) == IC_ORDER_PANELS);
    /* Matrix 58 MB, weights 590 KB, 16 panels, 2091 tiles: 925 MB of the matrix or 1.2 GB of the weights, where only
     * the weights come from the L3 cache. */
    const shape large = plain_shape(3, 112, 112, 128, 128);
    CHECK(order_with(512 * KIB, &large) == IC_ORDER_PANELS);
    CHECK(order_beside(512 * KIB, 32 * KIB * KIB, &large) == IC_ORDER_PIXELS);
    CHECK(order_beside(512 * KIB, 2 * KIB * KIB, &large) == IC_ORDER_PANELS);   /* neither does */
    CHECK(order_beside(512 * KIB, 512 * KIB * KIB, &large) == IC_ORDER_PANELS); /* both do */
    /* One panel: nothing is read twice. */
    const shape one = plain_shape(3, 56, 56, 64, 8);
    CHECK(order_with(512 * KIB, &one) == IC_ORDER_PANELS);
    /* Groups: the sizes are those of one. */
    shape grouped = plain_shape(3, 56, 56, 256, 256);
    CHECK(order_with(512 * KIB, &grouped) == IC_ORDER_PANELS);
    grouped.desc.groups = 4;
    CHECK(order_with(512 * KIB, &grouped) == IC_ORDER_PIXELS);
    /* A batch: read in place, matrix 200 KB for one image, 1.6 MB for eight, weights 262 KB. With a matrix for each
     * image (a stride), their number changes nothing. */
    shape in_place = plain_shape(1, 14, 14, 256, 256), copied = plain_shape(1, 28, 28, 256, 256);
    copied.desc.stride_height = copied.desc.stride_width = 2;
    CHECK(order_with(512 * KIB, &in_place) == IC_ORDER_PANELS);
    CHECK(order_with(512 * KIB, &copied) == IC_ORDER_PANELS);
    in_place.batch = copied.batch = 8;
    CHECK(order_with(512 * KIB, &in_place) == IC_ORDER_PIXELS);
    CHECK(order_with(512 * KIB, &copied) == IC_ORDER_PANELS);
}

static const char *order_of(ic_algorithm algorithm, const char *schedule, const shape *s) {
    static const float weights[9 * 8 * 8] = {0};
    const ic_options options = {.struct_size = sizeof options, .algorithm = algorithm, .kernel = schedule};
    ic_conv2d *conv;
    CHECK(ic_conv2d_create(&s->desc, weights, NULL, &options, &conv) == IC_OK);
    CHECK(ic_conv2d_order(conv) == NULL);
    CHECK(ic_conv2d_reshape(conv, s->batch, s->height, s->width) == IC_OK);
    const char *order = ic_conv2d_order(conv);
    ic_conv2d_destroy(conv);
    return order;
}

static void named(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 8, 8);
    static const struct {
        ic_algorithm algorithm;
        const char *schedule, *order;
    } tries[] = {
        {IC_ALGORITHM_IM2COL, "scalar_4x4+pixels", "pixels"},
        {IC_ALGORITHM_IM2COL, "scalar_4x4+panels", "panels"},
        {IC_ALGORITHM_IM2COL, "scalar_4x4", "panels"}, /* all of it stays in any cache */
        {IC_ALGORITHM_IM2COL, "scalar_4x4+block2", "pixels"},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+pixels", "pixels"},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+pixels+ahead", "pixels"},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+panels", "panels"},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions", "panels"},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions+block2", "pixels"},
        {IC_ALGORITHM_INDIRECT, "scalar_4x4+taps", "panels"},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        CHECK(strcmp(order_of(tries[i].algorithm, tries[i].schedule, &s), tries[i].order) == 0);
    }
    CHECK(order_of(IC_ALGORITHM_NAIVE, NULL, &s) == NULL);
    shape planes = s;
    planes.desc.layout = IC_LAYOUT_NCHW;
    CHECK(strcmp(order_of(IC_ALGORITHM_IM2COL, "scalar_4x4+pixels", &planes), "pixels") == 0);
    CHECK(strcmp(order_of(IC_ALGORITHM_IM2COL, "scalar_4x4+panels", &planes), "panels") == 0);
    shape depthwise = s;
    depthwise.desc.groups = 8;
    CHECK(order_of(IC_ALGORITHM_INDIRECT, "scalar_4x4+regions", &depthwise) == NULL);
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"rule", rule}, {"named", named}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
