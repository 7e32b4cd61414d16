/* SPDX-License-Identifier: Apache-2.0
 * Measuring which algorithm and schedule is best. */
#include "check.h"

#include <math.h>
#include <string.h>

static void refused(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 12, 11, 5, 7);
    const ic_allocator none = {NULL, NULL, NULL};
    ic_tuning result = {.struct_size = sizeof result};
    ic_tune_options options = {.struct_size = sizeof options, .budget_s = 0.001};
    CHECK(ic_autotune(NULL, 1, 12, 11, &options, &result) == IC_INVALID_ARGUMENT);
    CHECK(ic_autotune(&s.desc, 1, 12, 11, NULL, &result) == IC_INVALID_ARGUMENT);
    CHECK(ic_autotune(&s.desc, 1, 12, 11, &options, NULL) == IC_INVALID_ARGUMENT);
    CHECK(ic_autotune(&s.desc, 1, 1, 11, &options, &result) == IC_INVALID_ARGUMENT);
    CHECK(ic_autotune(&s.desc, SIZE_MAX, 12, 11, &options, &result) == IC_OVERFLOW);
    options.budget_s = 0; /* a second */
    CHECK(ic_autotune(&s.desc, 1, 12, 11, &options, &result) == IC_OK && result.candidates != 0);
    options.budget_s = -1;
    CHECK(ic_autotune(&s.desc, 1, 12, 11, &options, &result) == IC_INVALID_ARGUMENT);
    options.budget_s = (double)NAN;
    CHECK(ic_autotune(&s.desc, 1, 12, 11, &options, &result) == IC_INVALID_ARGUMENT);
    options.budget_s = 1;
    options.allocator = &none;
    CHECK(ic_autotune(&s.desc, 1, 12, 11, &options, &result) == IC_INVALID_ARGUMENT);
}

static void measured(const char *kernel) {
    (void)kernel;
    shape s = plain_shape(3, 14, 14, 16, 40);
    s.desc.pad_top = s.desc.pad_left = s.desc.pad_right = 1;
    const shape one = plain_shape(1, 9, 9, 20, 33);
    for (unsigned i = 0; i < 2; i++) {
        const shape *layer = i == 0 ? &s : &one;
        guarded_heap heap = {.place = FLUSH_END, .fail_at = -1};
        const ic_allocator allocator = guarded_allocator(&heap);
        ic_tune_options options = {.struct_size = sizeof options, .budget_s = 0.3, .allocator = &allocator};
        ic_tuning result = {.struct_size = sizeof result};
        do { /* until the time is enough for more than the model's choice, on whatever machine */
            CHECK(ic_autotune(&layer->desc, 1, layer->height, layer->width, &options, &result) == IC_OK);
            CHECK(heap.live == 0);
            options.budget_s *= 3;
        } while (result.candidates < 2 && options.budget_s < 100);
        CHECK(result.candidates >= 2);
        options.budget_s = 0.3;
        CHECK(result.best_ns <= 0.98 * result.model_ns || strcmp(result.model, result.entry.choice) == 0);
        ic_tuned *tuned;
        CHECK(ic_tuned_create(NULL, &tuned) == IC_OK && ic_tuned_add(tuned, &result.entry) == IC_OK);
        ic_tuned_destroy(tuned);
        /* With threads, and whoever allocates. */
        const ic_pool_options two = {.struct_size = sizeof two, .threads = 2};
        CHECK(ic_pool_create(&two, &options.pool) == IC_OK);
        options.allocator = NULL;
        CHECK(ic_autotune(&layer->desc, 2, layer->height, layer->width, &options, &result) == IC_OK);
        CHECK(result.entry.threads == 2 && result.entry.batch == 2);
        ic_pool_destroy(options.pool);
        options.pool = NULL;
        options.allocator = &allocator;
        /* Hardly any time: the model's choice. */
        options.budget_s = 1e-9;
        CHECK(ic_autotune(&layer->desc, 1, layer->height, layer->width, &options, &result) == IC_OK);
        CHECK(strcmp(result.model, result.entry.choice) == 0 && result.candidates == 1 && heap.live == 0);
        /* No memory at the start: said; later on, others may need less. */
        for (long fail = 0; fail < 12; fail++) {
            heap = (guarded_heap){.place = FLUSH_END, .fail_at = fail};
            memset(&result.model, 'x', sizeof result.model);
            options.budget_s = 0.02;
            const ic_status status = ic_autotune(&layer->desc, 1, layer->height, layer->width, &options, &result);
            CHECK(heap.live == 0 && (status == IC_OK || (status == IC_OUT_OF_MEMORY && result.model[0] == 'x')));
            CHECK(fail > 6 || status == IC_OUT_OF_MEMORY);
        }
    }
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"refused", refused}, {"measured", measured}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
