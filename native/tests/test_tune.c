/* SPDX-License-Identifier: Apache-2.0
 * Tables of what was measured: kept word for word, refused where anything is wrong, obeyed by auto; and measuring. */
#include "check.h"
#include "core/core_id.h"
#include "core/midr.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { ROOM = 4096 };

static ic_tuned_entry entry_of(const shape *s, const char *choice) {
    ic_tuned_entry e = {.struct_size = sizeof e,
                        .desc = s->desc,
                        .batch = s->batch,
                        .height = s->height,
                        .width = s->width,
                        .threads = 1};
    CHECK(snprintf(e.choice, sizeof e.choice, "%s", choice) < (int)sizeof e.choice);
    return e;
}

/* Two layers; the text's length. */
static size_t sample_text(char text[ROOM]) {
    ic_tuned *tuned;
    const shape a = plain_shape(3, 12, 11, 5, 7), b = plain_shape(1, 6, 6, 4, 70);
    const ic_tuned_entry entries[] = {entry_of(&a, "indirect_scalar_4x4+regions+block12"),
                                      entry_of(&b, "direct_scalar_4x4")};
    size_t bytes;
    CHECK(ic_tuned_create(NULL, &tuned) == IC_OK);
    CHECK(ic_tuned_add(tuned, &entries[0]) == IC_OK && ic_tuned_add(tuned, &entries[1]) == IC_OK);
    CHECK(ic_tuned_print(tuned, NULL, 0, &bytes) == IC_OK && bytes < ROOM);
    memset(text, 1, ROOM);
    CHECK(ic_tuned_print(tuned, text, bytes - 1, &bytes) == IC_INVALID_ARGUMENT && text[0] == 1);
    CHECK(ic_tuned_print(tuned, text, bytes, &bytes) == IC_OK && text[bytes] == 1 && text[bytes - 1] == '\n');
    ic_tuned_destroy(tuned);
    return bytes;
}

/* Refused with this status, and nothing stays. */
static void refuse(const char *text, size_t bytes, ic_status status) {
    guarded_heap heap = {.fail_at = -1};
    const ic_allocator allocator = guarded_allocator(&heap);
    ic_tuned *tuned = (ic_tuned *)(uintptr_t)1;
    const ic_status found = ic_tuned_load(text, bytes, &allocator, &tuned);
    if (found != status) {
        fprintf(stderr, "%s, not %s:\n%.*s\n", ic_status_string(found), ic_status_string(status), (int)bytes, text);
    }
    CHECK(found == status && tuned == NULL && heap.live == 0);
}

static void kept(const char *kernel) {
    (void)kernel;
    char text[ROOM], again[ROOM];
    size_t bytes = sample_text(text), length;
    ic_tuned *tuned;
    CHECK(ic_tuned_load(text, bytes, NULL, &tuned) == IC_OK);
    CHECK(ic_tuned_print(tuned, again, sizeof again, &length) == IC_OK);
    CHECK(length == bytes && memcmp(text, again, bytes) == 0);
    /* An entry takes another's place; many entries fit. */
    shape s = plain_shape(3, 12, 11, 5, 7);
    ic_tuned_entry e = entry_of(&s, "im2col_scalar_4x4");
    CHECK(ic_tuned_add(tuned, &e) == IC_OK);
    CHECK(ic_tuned_print(tuned, NULL, 0, &length) == IC_OK && length < bytes);
    /* So does one whose zeros mean the same. */
    e.desc.stride_height = e.desc.stride_width = e.desc.dilation_height = e.desc.dilation_width = e.desc.groups = 0;
    e.desc.output_min = e.desc.output_max = 0;
    size_t same;
    CHECK(ic_tuned_add(tuned, &e) == IC_OK);
    CHECK(ic_tuned_print(tuned, NULL, 0, &same) == IC_OK && same == length);
    for (e.height = 20; e.height < 120; e.height++) {
        CHECK(ic_tuned_add(tuned, &e) == IC_OK);
    }
    CHECK(ic_tuned_print(tuned, NULL, 0, &length) == IC_OK);
    char *many = malloc(length);
    ic_tuned *loaded;
    CHECK(many != NULL && ic_tuned_print(tuned, many, length, &length) == IC_OK);
    CHECK(ic_tuned_load(many, length, NULL, &loaded) == IC_OK);
    free(many);
    ic_tuned_destroy(loaded);
    ic_tuned_destroy(tuned);
    ic_tuned_destroy(NULL);
}

static void damaged(const char *kernel) {
    (void)kernel;
    char text[ROOM];
    const size_t bytes = sample_text(text);
    for (size_t length = 0; length < bytes; length++) {
        char *copy = guarded_new(length + 1, FLUSH_END); /* nothing is read past the text */
        memcpy(copy + 1, text, length);
        refuse(copy + 1, length, IC_TUNED_DAMAGED);
        guarded_free(copy, length + 1);
    }
    for (size_t i = 0; i < bytes; i++) {
        const char right = text[i];
        for (unsigned change = 1; change < 256; change++) {
            text[i] = (char)((unsigned char)right ^ change);
            refuse(text, bytes, IC_TUNED_DAMAGED);
        }
        text[i] = right;
    }
    text[bytes] = '\n';
    refuse(text, bytes + 1, IC_TUNED_DAMAGED);
}

/* The text with the first `from` replaced, and the sum that belongs to it. */
static size_t forge(const char *from, const char *to, char text[ROOM]) {
    char before[ROOM];
    size_t bytes = sample_text(before);
    before[bytes] = '\0';
    char *at = strstr(before, from);
    CHECK(at != NULL);
    bytes = (size_t)snprintf(text, ROOM, "%.*s%s%s", (int)(at - before), before, to, at + strlen(from)) - 17;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    }
    snprintf(text + bytes, ROOM - bytes, "%016" PRIx64 "\n", hash);
    return bytes + 17;
}

static void others(const char *kernel) {
    (void)kernel;
    static const struct {
        const char *from, *to;
        ic_status status;
    } forged[] = {
        {" kh=3", " kh=3", IC_OK},
        {"\nlayer", "0\nlayer", IC_TUNED_OTHER_CPU},
        {"-tuned 2 ", "-tuned 3 ", IC_TUNED_OTHER_VERSION},
        {"-tuned 2 0.", "-tuned 2 9.", IC_TUNED_OTHER_VERSION},
        {"-tuned 2 ", "-tuned  ", IC_TUNED_DAMAGED},
        {" type=f32", " type=f16", IC_TUNED_OTHER_VERSION},
        {" type=f32", " type=", IC_TUNED_DAMAGED},
        {" type=f32", "", IC_TUNED_DAMAGED},
        {" layout=nhwc", " layout=nchw", IC_TUNED_OTHER_VERSION},
        {" layout=nhwc", " layout=0", IC_TUNED_OTHER_VERSION},
        {" layout=nhwc", "", IC_TUNED_DAMAGED},
        {"scalar_4x4", "scalar_3x3", IC_TUNED_OTHER_VERSION},
        {"+regions+block12", "+block12+regions", IC_TUNED_OTHER_VERSION},
        {"+block12", "+block012", IC_TUNED_OTHER_VERSION},
        {"indirect_", "auto_", IC_TUNED_OTHER_VERSION},
        {"indirect_", "direct_", IC_TUNED_OTHER_VERSION}, /* no regions */
        {"indirect_scalar_4x4+regions+block12", "direct_scalar_4x4", IC_TUNED_DAMAGED},
        {" kh=3", " kh=03", IC_TUNED_DAMAGED},
        {" kh=3", " kh=", IC_TUNED_DAMAGED},
        {" kh=3", " kh=0", IC_TUNED_DAMAGED},
        {" kh=3", " kh=4294967299", IC_TUNED_DAMAGED},
        {" kh=3", " kh=18446744073709551619", IC_TUNED_DAMAGED},
        {" h=12", " h=1", IC_TUNED_DAMAGED},
        {" threads=1", " threads=0", IC_TUNED_DAMAGED},
        {" threads=1", " threads=257", IC_TUNED_DAMAGED},
        {"layer type", "laver type", IC_TUNED_DAMAGED},
        {"end 2", "end 1", IC_TUNED_DAMAGED},
        {"end 2", "end 02", IC_TUNED_DAMAGED},
        {"indirectconv-tuned", "indirectconv_tuned", IC_TUNED_DAMAGED},
    };
    char text[ROOM];
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        const size_t bytes = forge(forged[i].from, forged[i].to, text);
        if (forged[i].status != IC_OK) {
            refuse(text, bytes, forged[i].status);
            continue;
        }
        ic_tuned *tuned;
        CHECK(ic_tuned_load(text, bytes, NULL, &tuned) == IC_OK);
        ic_tuned_destroy(tuned);
    }
    /* What version 0.1 wrote: both versions and the remedy are named. */
    const size_t old_bytes = forge("-tuned 2 0.2.0 ", "-tuned 1 0.1.0 ", text);
    refuse(text, old_bytes, IC_TUNED_OTHER_VERSION);
    CHECK(strcmp(ic_last_error(), "text: format 1 of library 0.1.0, this is format 2 of library 0.2.0: tune again") ==
          0);
    /* Twice the same layer. */
    char layers[2][ROOM];
    const size_t bytes = sample_text(text);
    text[bytes] = '\0';
    const char *first = strstr(text, "layer"), *second = strstr(first + 1, "layer"), *end = strstr(text, "end 2");
    snprintf(layers[0], ROOM, "%.*s", (int)(end - second), second);
    snprintf(layers[1], ROOM, "%.*s", (int)(second - first), first);
    refuse(text, forge(layers[0], layers[1], text), IC_TUNED_DAMAGED);
}

static void errors(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 12, 11, 5, 7);
    const ic_tuned_entry good = entry_of(&s, "indirect_scalar_4x4");
    ic_tuned *tuned;
    ic_allocator none = {NULL, NULL, NULL};
    size_t bytes;
    CHECK(ic_tuned_create(NULL, NULL) == IC_INVALID_ARGUMENT);
    CHECK(ic_tuned_create(&none, &tuned) == IC_INVALID_ARGUMENT && tuned == NULL);
    CHECK(ic_tuned_load("", 0, NULL, NULL) == IC_INVALID_ARGUMENT);
    CHECK(ic_tuned_load(NULL, 0, NULL, &tuned) == IC_INVALID_ARGUMENT && tuned == NULL);
    CHECK(ic_tuned_create(NULL, &tuned) == IC_OK);
    CHECK(ic_tuned_add(NULL, &good) == IC_INVALID_ARGUMENT && ic_tuned_add(tuned, NULL) == IC_INVALID_ARGUMENT);
    CHECK(ic_tuned_print(NULL, NULL, 0, &bytes) == IC_INVALID_ARGUMENT);
    CHECK(ic_tuned_print(tuned, NULL, 0, NULL) == IC_INVALID_ARGUMENT);
    static const char *const unknown[] = {"", "_", "scalar_4x4", "naive_loops", "auto_scalar_4x4", "indirect_x"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        const ic_tuned_entry e = entry_of(&s, unknown[i]);
        CHECK(ic_tuned_add(tuned, &e) == IC_UNKNOWN_KERNEL);
    }
    ic_tuned_entry e = entry_of(&s, "direct_scalar_4x4");
    CHECK(ic_tuned_add(tuned, &e) == IC_UNSUPPORTED);
    e = good;
    e.struct_size = 1;
    CHECK(ic_tuned_add(tuned, &e) == IC_INVALID_ARGUMENT);
    e = good;
    e.threads = 0;
    CHECK(ic_tuned_add(tuned, &e) == IC_INVALID_ARGUMENT);
    e = good;
    memset(e.choice, 'x', sizeof e.choice);
    CHECK(ic_tuned_add(tuned, &e) == IC_INVALID_ARGUMENT);
    e = good;
    e.height = 1;
    CHECK(ic_tuned_add(tuned, &e) == IC_INVALID_ARGUMENT);
    ic_tuned_destroy(tuned);
    for (long fail = 0; fail < 2; fail++) {
        guarded_heap heap = {.fail_at = fail};
        const ic_allocator allocator = guarded_allocator(&heap);
        char text[ROOM];
        const size_t length = sample_text(text);
        CHECK(ic_tuned_load(text, length, &allocator, &tuned) == IC_OUT_OF_MEMORY && tuned == NULL && heap.live == 0);
    }
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

/* arm64 systems that don't answer for MIDR_EL1 have it in parts. */
static void parts(const char *kernel) {
    (void)kernel;
    static const char text[] = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
                               "CPU variant\t: 0x0\nCPU part\t: 0xd03\nCPU revision\t: 4\n\n"
                               "processor\t: 5\nCPU implementer\t: 0x51\nCPU architecture: 8\nCPU variant\t: 0xa\n"
                               "CPU part\t: 0x800\nCPU revision\t: 2\n\nHardware\t: X\n";
    char cut[sizeof text];
    CHECK(ic_midr_of_cpuinfo(text, 0) == 0x410fd034);
    CHECK(ic_midr_of_cpuinfo(text, 5) == 0x51af8002);
    CHECK(ic_midr_of_cpuinfo(text, 1) == 0 && ic_midr_of_cpuinfo("", 0) == 0);
    CHECK(ic_midr_of_cpuinfo("processor : 0\nCPU implementer : 0x141\n", 0) == 0);
    for (size_t length = 0; length < 100; length++) {
        memcpy(cut, text, length);
        cut[length] = '\0';
        CHECK(ic_midr_of_cpuinfo(cut, 0) == 0);
    }
    char id[IC_CORE_ID];
    CHECK(ic_core_id(id) && strlen(id) > 8 && strcspn(id, " \n") == strlen(id));
}

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
    for (unsigned i = 0; i < SHAPES; i += 9) {
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
    static const check_case cases[] = {
        {"kept", kept},         {"damaged", damaged}, {"others", others},       {"errors", errors},
        {"parts", parts},       {"obeyed", obeyed},   {"elsewhere", elsewhere}, {"forgotten", forgotten},
        {"measured", measured}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
