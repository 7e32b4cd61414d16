/* SPDX-License-Identifier: Apache-2.0
 * Tables of what was measured: kept word for word, refused where anything is wrong. */
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096 };

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

static void refuse_by(const ic_allocator *allocator, const char *text, size_t bytes, ic_status status) {
    ic_tuned *tuned = (ic_tuned *)(uintptr_t)1;
    const ic_status found = ic_tuned_load(text, bytes, allocator, &tuned);
    if (found != status) {
        fprintf(stderr, "%s, not %s:\n%.*s\n", ic_status_string(found), ic_status_string(status), (int)bytes, text);
    }
    CHECK(found == status && tuned == NULL);
}

/* Refused with this status, and nothing stays. */
static void refuse(const char *text, size_t bytes, ic_status status) {
    guarded_heap heap = {.fail_at = -1};
    const ic_allocator allocator = guarded_allocator(&heap);
    refuse_by(&allocator, text, bytes, status);
    CHECK(heap.live == 0);
}

/* An allocator that only counts what is live: a guarded one takes longer than what is allocated for. */
static void *count_in(void *live, size_t bytes, size_t alignment, ic_memory kind) {
    (void)kind;
    ++*(size_t *)live;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void count_out(void *live, void *memory, size_t bytes, ic_memory kind) {
    (void)bytes;
    (void)kind;
    --*(size_t *)live;
    free(memory);
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
    size_t live = 0;
    const ic_allocator counting = {&live, count_in, count_out};
    for (size_t i = 0; i < bytes; i++) {
        const char right = text[i];
        for (unsigned change = 1; change < 256; change++) {
            text[i] = (char)((unsigned char)right ^ change);
            refuse_by(&counting, text, bytes, IC_TUNED_DAMAGED);
            CHECK(live == 0);
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
    static const char *const unknown[] = {
        "", "_", "scalar_4x4", "naive_loops", "auto_scalar_4x4", "indirect_x", "fft_scalar_4x4+t8"};
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
}

int main(int argc, char **argv) {
    static const check_case cases[] = {
        {"kept", kept}, {"damaged", damaged}, {"others", others}, {"errors", errors}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
