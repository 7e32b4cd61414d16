/* SPDX-License-Identifier: Apache-2.0 */
#include "choice/tuned_text.h"
#include "core/algorithm.h"
#include "core/core_id.h"
#include "core/error.h"
#include "core/layout.h"
#include "core/type.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What is left of a text. */
typedef struct {
    const char *at;
    size_t left;
} input;

static bool skip(input *in, const char *words) {
    const size_t length = strlen(words);
    if (in->left < length || memcmp(in->at, words, length) != 0) {
        return false;
    }
    in->at += length;
    in->left -= length;
    return true;
}

/* Digits without a zero before them. */
static bool read_number(input *in, uint64_t *value) {
    const char *first = in->at;
    *value = 0;
    while (in->left > 0 && *in->at >= '0' && *in->at <= '9') {
        const uint64_t digit = (uint64_t)(*in->at - '0');
        if (*value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *value = *value * 10 + digit;
        in->at++;
        in->left--;
    }
    return in->at - first == 1 || (in->at > first && *first != '0');
}

/* Up to `end`. */
static bool read_word(input *in, char end, char *word, size_t room) {
    size_t length = 0;
    while (length < in->left && in->at[length] != end && in->at[length] != '\n' && in->at[length] != '\0') {
        length++;
    }
    if (length == 0 || length >= room || length == in->left || in->at[length] != end) {
        return false;
    }
    memcpy(word, in->at, length);
    word[length] = '\0';
    in->at += length;
    in->left -= length;
    return true;
}

/* False where a number is none of its member's. */
static bool entry_of_key(const uint64_t key[IC_TUNED_FIELDS], ic_tuned_entry *e) {
    *e = (ic_tuned_entry){.struct_size = sizeof *e, .desc = IC_CONV2D_DESC_INIT};
#define GIVE(name, member)                                                                                             \
    e->member = (__typeof__(e->member))key[IC_TUNED_##name];                                                           \
    if ((uint64_t)e->member != key[IC_TUNED_##name]) {                                                                 \
        return false;                                                                                                  \
    }
    IC_TUNED_KEYS(GIVE)
#undef GIVE
    return true;
}

static ic_status damaged(const ic_tuned *tuned, const char *what) {
    return ic_fail(IC_TUNED_DAMAGED, "text: entry %zu: %s", tuned->count + 1, what);
}

/* The sum is right: whoever wrote this had other kernels, types or layouts. */
static ic_status other_build(const ic_tuned *tuned, const char *name) {
    return ic_fail(IC_TUNED_OTHER_VERSION, "text: entry %zu has %.79s, which this build has not", tuned->count + 1,
                   name);
}

/* Number `k` of a layer's keys. */
static ic_status read_value(input *in, size_t k, const ic_tuned *tuned, uint64_t *value) {
    char name[IC_TUNED_NUMBER];
    if (!skip(in, ic_tuned_key_names[k])) {
        return damaged(tuned, "a layer's parameters");
    }
    if (k != IC_TUNED_type && k != IC_TUNED_layout) {
        return read_number(in, value) ? IC_OK : damaged(tuned, "a layer's parameters");
    }
    if (!read_word(in, ' ', name, sizeof name)) {
        return damaged(tuned, "a layer's parameters");
    }
    if (k == IC_TUNED_type) {
        const ic_element *element = ic_type_from_name(name);
        *value = element != NULL ? (uint64_t)element->type : 0;
        return element != NULL ? IC_OK : other_build(tuned, name);
    }
    ic_layout layout = IC_LAYOUT_NHWC;
    const bool is_known = ic_layout_from_name(name, &layout) && layout == IC_LAYOUT_NHWC; /* what auto covers */
    *value = (uint64_t)layout;
    return is_known ? IC_OK : other_build(tuned, name);
}

static ic_status read_entry(input *in, ic_tuned *tuned) {
    uint64_t key[IC_TUNED_FIELDS];
    ic_tuned_entry given;
    ic_tuned_row e;
    for (size_t k = 0; k < IC_TUNED_FIELDS; k++) {
        const ic_status status = read_value(in, k, tuned, &key[k]);
        if (status != IC_OK) {
            return status;
        }
    }
    if (!skip(in, " ") || !entry_of_key(key, &given) || !read_word(in, '\n', given.choice, sizeof given.choice) ||
        !skip(in, "\n")) {
        return damaged(tuned, "a layer's choice");
    }
    const ic_status status = ic_tuned_check(&given, &e);
    if (status != IC_OK || ic_tuned_row_of(tuned, e.key) != NULL) {
        if (status == IC_UNKNOWN_KERNEL || status == IC_UNSUPPORTED_HARDWARE) {
            return other_build(tuned, given.choice);
        }
        return damaged(tuned, status == IC_OK ? "a layer that it has already" : "no layer that can be");
    }
    return ic_tuned_append(tuned, &e);
}

/* The sum at the end fits all before it. */
static bool is_whole(const char *text, size_t bytes) {
    char sum[IC_TUNED_NUMBER];
    if (bytes < 17) {
        return false;
    }
    snprintf(sum, sizeof sum, "%016" PRIx64 "\n", ic_tuned_hash(text, bytes - 17, IC_TUNED_HASH_START));
    return memcmp(text + bytes - 17, sum, 17) == 0;
}

static ic_status read_table(input in, ic_tuned *tuned) {
    char id[IC_CORE_ID], word[IC_CORE_ID], format[IC_TUNED_NUMBER], library[IC_TUNED_NUMBER], version[IC_TUNED_NUMBER];
    const char *text = in.at;
    const size_t bytes = in.left;
    if (!skip(&in, IC_TUNED_FORMAT_NAME)) {
        return ic_fail(IC_TUNED_DAMAGED, "text is no tuned table");
    }
    if (!is_whole(text, bytes)) {
        return ic_fail(IC_TUNED_DAMAGED, "text does not have the sum at its end");
    }
    ic_tuned_library_version(version);
    if (!read_word(&in, ' ', format, sizeof format) || !skip(&in, " ") ||
        !read_word(&in, ' ', library, sizeof library) || !skip(&in, " ")) {
        return ic_fail(IC_TUNED_DAMAGED, "text does not name its version");
    }
    if (strcmp(format, IC_TUNED_FORMAT) != 0 || strcmp(library, version) != 0) {
        return ic_fail(IC_TUNED_OTHER_VERSION, "text: format %s of library %s, this is format %s of library %s: %s",
                       format, library, IC_TUNED_FORMAT, version, "tune again");
    }
    if (!read_word(&in, '\n', word, sizeof word) || !skip(&in, "\n")) {
        return ic_fail(IC_TUNED_DAMAGED, "text does not name its CPU");
    }
    if (!ic_core_id(id)) {
        return ic_fail(IC_TUNED_OTHER_CPU, "the system does not tell which CPU this is");
    }
    if (strcmp(word, id) != 0) {
        return ic_fail(IC_TUNED_OTHER_CPU, "text: measured on %s, this is %s", word, id);
    }
    while (skip(&in, "layer")) {
        const ic_status status = read_entry(&in, tuned);
        if (status != IC_OK) {
            return status;
        }
    }
    uint64_t count;
    const bool ends = skip(&in, "end ") && read_number(&in, &count) && count == tuned->count && skip(&in, " ");
    return ends && in.left == 17 ? IC_OK : ic_fail(IC_TUNED_DAMAGED, "text does not end as it should");
}

ic_status ic_tuned_load(const char *text, size_t bytes, const ic_allocator *allocator, ic_tuned **tuned) {
    if (tuned == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "tuned is NULL");
    }
    *tuned = NULL;
    if (text == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "text is NULL");
    }
    ic_tuned *made;
    const input in = {text, bytes};
    ic_status status = ic_tuned_create(allocator, &made);
    if (status == IC_OK) {
        status = read_table(in, made);
        if (status != IC_OK) {
            ic_tuned_destroy(made);
            made = NULL;
        }
        *tuned = made;
    }
    return status;
}
