/* SPDX-License-Identifier: Apache-2.0
 * auto goes by a tuned table: by what it has for the layer, and by nothing else. */
#include "check.h"

#include <string.h>

typedef struct {
    const shape *s;
    const float *weights, *bias, *input;
    float *output;
} tensors;

static void run(ic_conv2d *conv, const tensors *t, size_t height) {
    CHECK(ic_conv2d_reshape(conv, t->s->batch, height, t->s->width) == IC_OK);
    memset(t->output, 0xff, outputs_of(t->s) * sizeof(float));
    CHECK(ic_conv2d_run(conv, t->input, t->output) == IC_OK);
}

/* By the table at the size that it knows, by the model at any other, and the same bits as without either: the weights
 * go from one kernel's order into another's and back. */
static void obey(const tensors *t, ic_algorithm algorithm, const char *schedule) {
    const shape *s = t->s;
    char choice[IC_CHOICE_NAME];
    CHECK(snprintf(choice, sizeof choice, "%s_%s", ic_algorithm_name(algorithm), schedule) < (int)sizeof choice);
    const ic_tuned_entry e = entry_of(s, choice);
    ic_tuned *tuned;
    CHECK(ic_tuned_create(NULL, &tuned) == IC_OK && ic_tuned_add(tuned, &e) == IC_OK);
    const size_t outputs = outputs_of(s), taller = s->height + s->desc.stride_height;
    float *expected = malloc(outputs * sizeof(float));
    CHECK(expected != NULL);
    for (long fail = -1;; fail++) {
        guarded_heap heap = {.place = FLUSH_END, .fail_at = -1};
        const ic_allocator allocator = guarded_allocator(&heap);
        const ic_options tuned_auto = {
            .struct_size = sizeof tuned_auto, .algorithm = IC_ALGORITHM_AUTO, .allocator = &allocator, .tuned = tuned};
        const ic_options asked = {.struct_size = sizeof asked, .algorithm = algorithm, .kernel = schedule};
        ic_conv2d *conv, *plain;
        ic_conv2d_info info = {.struct_size = sizeof info};
        CHECK(ic_conv2d_create(&s->desc, t->weights, t->bias, &tuned_auto, &conv) == IC_OK);
        /* Another size first, where memory allows: the model's choice. */
        CHECK(ic_conv2d_reshape(conv, s->batch, taller, s->width) == IC_OK);
        if (fail >= 0) {
            heap.fail_at = heap.allocations + fail;
            if (ic_conv2d_reshape(conv, s->batch, s->height, s->width) == IC_OK) {
                ic_conv2d_destroy(conv);
                break;
            }
            CHECK(ic_conv2d_run(conv, t->input, t->output) == IC_BAD_STATE);
            heap.fail_at = -1;
        }
        CHECK(ic_conv2d_create(&s->desc, t->weights, t->bias, &asked, &plain) == IC_OK);
        run(plain, t, s->height);
        memcpy(expected, t->output, outputs * sizeof(float));
        ic_conv2d_destroy(plain);
        for (unsigned again = 0; again < 2; again++) {
            run(conv, t, s->height);
            CHECK(memcmp(expected, t->output, outputs * sizeof(float)) == 0);
            CHECK(ic_conv2d_get_info(conv, &info) == IC_OK);
            CHECK(info.algorithm == algorithm && strcmp(info.kernel, schedule) == 0);
            CHECK(info.bytes[IC_MEMORY_WEIGHTS] == heap.bytes[IC_MEMORY_WEIGHTS]);
            CHECK(ic_conv2d_reshape(conv, s->batch, taller, s->width) == IC_OK);
        }
        ic_conv2d_destroy(conv);
        CHECK(heap.live == 0);
    }
    free(expected);
    ic_tuned_destroy(tuned);
}

static void obeyed(const char *kernel) {
    (void)kernel;
    for (unsigned i = 0; i < shape_count; i += 9) {
        const shape s = nth_shape(i);
        uint64_t seed = i;
        float *weights = guarded_new(weights_of(&s) * sizeof(float), FLUSH_END);
        float *bias = guarded_new(s.desc.out_channels * sizeof(float), FLUSH_END);
        float *input = guarded_new(inputs_of(&s) * sizeof(float), FLUSH_END);
        float *output = guarded_new(outputs_of(&s) * sizeof(float), FLUSH_END);
        fill(weights, weights_of(&s), VALUES_FLOAT, &seed);
        fill(bias, s.desc.out_channels, VALUES_FLOAT, &seed);
        fill(input, inputs_of(&s), VALUES_FLOAT, &seed);
        const tensors t = {&s, weights, bias, input, output};
        ic_algorithm algorithm;
        char schedule[IC_CHOICE_NAME];
        unsigned count = 0;
        while (ic_candidate_at(&s.desc, s.batch, s.height, s.width, 1, count, &algorithm, schedule)) {
            obey(&t, algorithm, schedule);
            count++;
        }
        CHECK(count >= 2);
        guarded_free(weights, weights_of(&s) * sizeof(float));
        guarded_free(bias, s.desc.out_channels * sizeof(float));
        guarded_free(input, inputs_of(&s) * sizeof(float));
        guarded_free(output, outputs_of(&s) * sizeof(float));
    }
}

/* An entry is of one number of threads; options without `tuned` and other algorithms don't see the table. */
static void elsewhere(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 12, 11, 5, 70);
    static float weights[3 * 3 * 5 * 70];
    ic_tuned *tuned;
    ic_pool *pool;
    ic_tuned_entry e = entry_of(&s, "im2col_scalar_4x4+block3");
    e.threads = 2;
    const ic_pool_options two = {.struct_size = sizeof two, .threads = 2};
    CHECK(ic_pool_create(&two, &pool) == IC_OK);
    CHECK(ic_tuned_create(NULL, &tuned) == IC_OK && ic_tuned_add(tuned, &e) == IC_OK);
    const ic_options tries[] = {
        {.struct_size = sizeof(ic_options), .algorithm = IC_ALGORITHM_AUTO, .tuned = tuned, .pool = pool},
        {.struct_size = sizeof(ic_options), .algorithm = IC_ALGORITHM_AUTO, .tuned = tuned},
        {.struct_size = offsetof(ic_options, tuned), .algorithm = IC_ALGORITHM_AUTO, .tuned = tuned, .pool = pool},
        {.struct_size = offsetof(ic_options, pool), .algorithm = IC_ALGORITHM_AUTO, .tuned = tuned, .pool = pool},
        {.struct_size = sizeof(ic_options), .algorithm = IC_ALGORITHM_INDIRECT, .tuned = tuned, .pool = pool},
        {.struct_size = sizeof(ic_options),
         .algorithm = IC_ALGORITHM_IM2COL,
         .kernel = "best",
         .tuned = tuned,
         .pool = pool},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        ic_conv2d *conv;
        ic_conv2d_info info = {.struct_size = sizeof info};
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &tries[i], &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, 1, 12, 11) == IC_OK && ic_conv2d_get_info(conv, &info) == IC_OK);
        const bool is_tuned = info.algorithm == IC_ALGORITHM_IM2COL && strcmp(info.kernel, "scalar_4x4+block3") == 0;
        CHECK(is_tuned == (i == 0));
        ic_conv2d_destroy(conv);
    }
    ic_tuned_destroy(tuned);
    ic_pool_destroy(pool);
}

/* What a table says of one size says nothing of another one. */
static void forgotten(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 12, 11, 5, 70);
    static float weights[3 * 3 * 5 * 70];
    static const char *const choices[] = {"im2col_scalar_4x4+pixels", "indirect_scalar_4x4+panels",
                                          "indirect_scalar_4x4+regions+block12"};
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        ic_tuned *tuned;
        const ic_tuned_entry e = entry_of(&s, choices[i]);
        CHECK(ic_tuned_create(NULL, &tuned) == IC_OK && ic_tuned_add(tuned, &e) == IC_OK);
        const ic_options with = {.struct_size = sizeof with, .algorithm = IC_ALGORITHM_AUTO, .tuned = tuned};
        const ic_options without = {.struct_size = sizeof without, .algorithm = IC_ALGORITHM_AUTO};
        ic_conv2d *conv, *plain;
        ic_conv2d_info info = {.struct_size = sizeof info}, wanted = {.struct_size = sizeof wanted};
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &with, &conv) == IC_OK);
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &without, &plain) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, 1, 12, 11) == IC_OK && ic_conv2d_get_info(conv, &info) == IC_OK);
        CHECK(strcmp(info.kernel, strchr(choices[i], '_') + 1) == 0);
        CHECK(ic_conv2d_reshape(conv, 1, 13, 11) == IC_OK && ic_conv2d_get_info(conv, &info) == IC_OK);
        CHECK(ic_conv2d_reshape(plain, 1, 13, 11) == IC_OK && ic_conv2d_get_info(plain, &wanted) == IC_OK);
        CHECK(info.algorithm == wanted.algorithm && strcmp(info.kernel, wanted.kernel) == 0);
        ic_conv2d_destroy(conv);
        ic_conv2d_destroy(plain);
        ic_tuned_destroy(tuned);
    }
}

int main(int argc, char **argv) {
    static const check_case cases[] = {
        {"obeyed", obeyed}, {"elsewhere", elsewhere}, {"forgotten", forgotten}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
