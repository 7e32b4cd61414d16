/* SPDX-License-Identifier: Apache-2.0
 * Tables of what was measured to be best, layer by layer. */
#ifndef IC_TUNED_H
#define IC_TUNED_H

#include "choice/schedule.h"
#include "core/geometry.h"

typedef struct {
    ic_algorithm algorithm;
    ic_schedule schedule;
} ic_tuned_choice;

/* Of a layer, in the order of the text's names; type and layout, for which the text has no names yet, last. */
enum { IC_TUNED_TYPE = 17, IC_TUNED_LAYOUT, IC_TUNED_FIELDS, IC_TUNED_NAMES = IC_TUNED_TYPE };

typedef struct {
    uint64_t key[IC_TUNED_FIELDS];
    ic_tuned_choice choice;
} ic_tuned_row;

struct ic_tuned {
    ic_allocator allocator;
    ic_tuned_row *rows;
    size_t count, room;
};

/* The entry as it is kept; what is wrong with it gives the status that an object of it would give. */
ic_status ic_tuned_check(const ic_tuned_entry *e, ic_tuned_row *kept);
ic_tuned_row *ic_tuned_row_of(const ic_tuned *tuned, const uint64_t key[IC_TUNED_FIELDS]); /* NULL: none */
ic_status ic_tuned_append(ic_tuned *tuned, const ic_tuned_row *row);

/* NULL where the table (which may be NULL) doesn't have the layer. */
const ic_tuned_choice *ic_tuned_find(const ic_tuned *tuned, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                                     unsigned threads);

/* `<algorithm>_<schedule>` */
void ic_print_choice(ic_algorithm algorithm, const char *schedule, char choice[IC_CHOICE_NAME]);

#endif
