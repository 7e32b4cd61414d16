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

#define NAME(name, member) " " #name "=",
const char *const ic_tuned_key_names[IC_TUNED_FIELDS] = {IC_TUNED_KEYS(NAME)};
#undef NAME

uint64_t ic_tuned_hash(const char *text, size_t bytes, uint64_t hash) {
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

void ic_tuned_library_version(char version[IC_TUNED_NUMBER]) {
    const uint32_t v = ic_version();
    snprintf(version, IC_TUNED_NUMBER, "%u.%u.%u", v >> 16 & 255, v >> 8 & 255, v & 255);
}

/* A table being printed: counted and hashed, and written if there is a place for it. */
typedef struct {
    char *text;
    size_t bytes;
    uint64_t hash;
} output;

static void put(output *out, const char *words) {
    const size_t length = strlen(words);
    if (out->text != NULL) {
        memcpy(out->text + out->bytes, words, length);
    }
    out->bytes += length;
    out->hash = ic_tuned_hash(words, length, out->hash);
}

static void put_number(output *out, uint64_t value) {
    char digits[IC_TUNED_NUMBER];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    put(out, digits);
}

/* Number `k` of a layer's keys. */
static void put_value(output *out, size_t k, uint64_t value) {
    if (k == IC_TUNED_type) {
        put(out, ic_type_of((ic_type)value)->name);
    } else if (k == IC_TUNED_layout) {
        put(out, ic_layout_name((ic_layout)value));
    } else {
        put_number(out, value);
    }
}

static void print_table(const ic_tuned *tuned, const char *id, output *out) {
    char word[IC_CHOICE_NAME];
    put(out, IC_TUNED_FORMAT_NAME);
    put(out, IC_TUNED_FORMAT);
    put(out, " ");
    char version[IC_TUNED_NUMBER];
    ic_tuned_library_version(version);
    put(out, version);
    put(out, " ");
    put(out, id);
    put(out, "\n");
    for (size_t i = 0; i < tuned->count; i++) {
        const ic_tuned_row *e = &tuned->rows[i];
        char schedule[IC_SCHEDULE_NAME];
        put(out, "layer");
        for (size_t k = 0; k < IC_TUNED_FIELDS; k++) {
            put(out, ic_tuned_key_names[k]);
            put_value(out, k, e->key[k]);
        }
        ic_print_schedule(&e->choice.schedule, schedule);
        ic_print_choice(e->choice.algorithm, schedule, word);
        put(out, " ");
        put(out, word);
        put(out, "\n");
    }
    put(out, "end ");
    put_number(out, tuned->count);
    put(out, " ");
    snprintf(word, sizeof word, "%016" PRIx64 "\n", out->hash);
    put(out, word);
}

ic_status ic_tuned_print(const ic_tuned *tuned, char *text, size_t room, size_t *bytes) {
    char id[IC_CORE_ID];
    if (tuned == NULL || bytes == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s is NULL", tuned == NULL ? "tuned" : "bytes");
    }
    if (!ic_core_id(id)) {
        return ic_fail(IC_TUNED_OTHER_CPU, "the system does not tell which CPU this is");
    }
    output measured = {NULL, 0, IC_TUNED_HASH_START}, out = {text, 0, IC_TUNED_HASH_START};
    print_table(tuned, id, &measured);
    *bytes = measured.bytes;
    if (text == NULL) {
        return IC_OK;
    }
    if (measured.bytes > room) {
        return ic_fail(IC_INVALID_ARGUMENT, "room=%zu, and the text has %zu bytes", room, measured.bytes);
    }
    print_table(tuned, id, &out);
    return IC_OK;
}
