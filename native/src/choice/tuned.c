/* SPDX-License-Identifier: Apache-2.0 */
#include "choice/tuned.h"

#include "core/algorithm.h"
#include "core/core_id.h"
#include "core/error.h"
#include "core/layout.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

enum { MOST_ENTRIES = 65536 };

static void key_of(const ic_tuned_entry *e, uint64_t key[IC_TUNED_FIELDS]) {
#define TAKE(name, member) key[IC_TUNED_##name] = (uint64_t)e->member;
    IC_TUNED_KEYS(TAKE)
#undef TAKE
}

void ic_print_choice(ic_algorithm algorithm, const char *schedule, char choice[IC_CHOICE_NAME]) {
    snprintf(choice, IC_CHOICE_NAME, "%s_%s", ic_algorithm_name(algorithm), schedule);
}

static ic_status unknown(const char *choice) {
    return ic_fail(IC_UNKNOWN_KERNEL, "entry.choice=%.79s is no algorithm and schedule", choice);
}

static ic_status read_choice(const char *text, ic_type type, ic_tuned_choice *choice) {
    char algorithm[16], printed[IC_SCHEDULE_NAME];
    const size_t length = strcspn(text, "_");
    if (text[length] == '\0' || length >= sizeof algorithm) {
        return unknown(text);
    }
    memcpy(algorithm, text, length);
    algorithm[length] = '\0';
    const char *schedule = text + length + 1;
    if (!ic_algorithm_from_name(algorithm, &choice->algorithm) || choice->algorithm == IC_ALGORITHM_NAIVE ||
        choice->algorithm == IC_ALGORITHM_AUTO || choice->algorithm == IC_ALGORITHM_FFT) {
        return unknown(text);
    }
    const ic_status status = ic_parse_schedule(choice->algorithm, type, schedule, &choice->schedule);
    if (status == IC_OK) {
        ic_print_schedule(&choice->schedule, printed);
    }
    return status == IC_OK && strcmp(printed, schedule) != 0 ? unknown(text) : status;
}

ic_status ic_tuned_check(const ic_tuned_entry *e, ic_tuned_row *kept) {
    ic_tuned_entry complete = *e;
    ic_geometry geometry;
    ic_status status = ic_read_desc(&e->desc, &complete.desc);
    if (status != IC_OK) {
        return status;
    }
    status = ic_make_geometry(&complete.desc, e->batch, e->height, e->width, &geometry);
    if (status == IC_OK && complete.desc.layout != IC_LAYOUT_NHWC) {
        status = ic_fail_unchosen("entry.desc", complete.desc.layout);
    }
    if (status == IC_OK && (e->threads == 0 || e->threads > IC_MAX_THREADS)) {
        status = ic_fail(IC_INVALID_ARGUMENT, "entry.threads=%u is not 1 to %d", e->threads, IC_MAX_THREADS);
    }
    if (status == IC_OK && memchr(e->choice, '\0', sizeof e->choice) == NULL) {
        status = ic_fail(IC_INVALID_ARGUMENT, "entry.choice has no end");
    }
    if (status == IC_OK) {
        status = read_choice(e->choice, complete.desc.type, &kept->choice);
    }
    if (status == IC_OK && kept->choice.algorithm == IC_ALGORITHM_DIRECT && !ic_reads_in_place(&complete.desc)) {
        status = ic_fail(IC_UNSUPPORTED, "entry.choice=%.79s: direct does not cover this convolution", e->choice);
    }
    if (status == IC_OK && kept->choice.algorithm == IC_ALGORITHM_WINOGRAD && !ic_winograd_covers(&complete.desc)) {
        status = ic_fail(IC_UNSUPPORTED, "entry.choice=%.79s: Winograd does not cover this convolution", e->choice);
    }
    key_of(&complete, kept->key);
    return status;
}

ic_tuned_row *ic_tuned_row_of(const ic_tuned *tuned, const uint64_t key[IC_TUNED_FIELDS]) {
    for (size_t i = 0; i < tuned->count; i++) {
        if (memcmp(tuned->rows[i].key, key, sizeof tuned->rows[i].key) == 0) {
            return &tuned->rows[i];
        }
    }
    return NULL;
}

const ic_tuned_choice *ic_tuned_find(const ic_tuned *tuned, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                                     unsigned threads) {
    uint64_t key[IC_TUNED_FIELDS];
    if (tuned == NULL) {
        return NULL;
    }
    const ic_tuned_entry e = {.desc = *desc,
                              .batch = geometry->batch,
                              .height = geometry->input_height,
                              .width = geometry->input_width,
                              .threads = threads};
    key_of(&e, key);
    const ic_tuned_row *found = ic_tuned_row_of(tuned, key);
    return found != NULL ? &found->choice : NULL;
}

ic_status ic_tuned_create(const ic_allocator *allocator, ic_tuned **tuned) {
    char id[IC_CORE_ID];
    ic_allocator own;
    if (tuned == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "tuned is NULL");
    }
    *tuned = NULL;
    const ic_status status = ic_read_allocator(allocator, &own);
    if (status != IC_OK) {
        return status;
    }
    if (!ic_core_id(id)) {
        return ic_fail(IC_TUNED_OTHER_CPU, "the system does not tell which CPU this is");
    }
    ic_tuned *made = own.allocate(own.context, sizeof *made, IC_ALIGNMENT, IC_MEMORY_OBJECT);
    if (made == NULL) {
        return ic_fail_memory("a tuned table", sizeof *made);
    }
    *made = (ic_tuned){.allocator = own};
    *tuned = made;
    return IC_OK;
}

void ic_tuned_destroy(ic_tuned *tuned) {
    if (tuned == NULL) {
        return;
    }
    const ic_allocator own = tuned->allocator;
    if (tuned->rows != NULL) {
        own.release(own.context, tuned->rows, tuned->room * sizeof *tuned->rows, IC_MEMORY_OBJECT);
    }
    own.release(own.context, tuned, sizeof *tuned, IC_MEMORY_OBJECT);
}

ic_status ic_tuned_append(ic_tuned *tuned, const ic_tuned_row *e) {
    if (tuned->count == tuned->room) {
        const ic_allocator *own = &tuned->allocator;
        const size_t room = tuned->room == 0 ? 16 : 2 * tuned->room, bytes = tuned->room * sizeof *e;
        if (room > MOST_ENTRIES) {
            return ic_fail(IC_OVERFLOW, "a tuned table has %d entries at most", MOST_ENTRIES);
        }
        ic_tuned_row *made = own->allocate(own->context, room * sizeof *e, IC_ALIGNMENT, IC_MEMORY_OBJECT);
        if (made == NULL) {
            return ic_fail_memory("a tuned table", room * sizeof *e);
        }
        if (bytes != 0) {
            memcpy(made, tuned->rows, bytes);
            own->release(own->context, tuned->rows, bytes, IC_MEMORY_OBJECT);
        }
        tuned->rows = made;
        tuned->room = room;
    }
    tuned->rows[tuned->count++] = *e;
    return IC_OK;
}

ic_status ic_tuned_add(ic_tuned *tuned, const ic_tuned_entry *given) {
    ic_tuned_row e;
    if (tuned == NULL || given == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s is NULL", tuned == NULL ? "tuned" : "entry");
    }
    if (given->struct_size != sizeof *given) {
        return ic_fail(IC_INVALID_ARGUMENT, "entry.struct_size=%zu is not %zu", given->struct_size, sizeof *given);
    }
    const ic_status status = ic_tuned_check(given, &e);
    if (status != IC_OK) {
        return status;
    }
    ic_tuned_row *old = ic_tuned_row_of(tuned, e.key);
    if (old != NULL) {
        old->choice = e.choice;
        return IC_OK;
    }
    return ic_tuned_append(tuned, &e);
}
