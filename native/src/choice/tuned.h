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

/* What a layer is known by, in the order of the text: the name there, and what it is of an ic_tuned_entry. Type and
 * layout, which the text has by name, come first. */
#define IC_TUNED_KEYS(KEY)                                                                                             \
    KEY(type, desc.type)                                                                                               \
    KEY(layout, desc.layout)                                                                                           \
    KEY(kh, desc.kernel_height)                                                                                        \
    KEY(kw, desc.kernel_width)                                                                                         \
    KEY(sh, desc.stride_height)                                                                                        \
    KEY(sw, desc.stride_width)                                                                                         \
    KEY(dh, desc.dilation_height)                                                                                      \
    KEY(dw, desc.dilation_width)                                                                                       \
    KEY(pt, desc.pad_top)                                                                                              \
    KEY(pr, desc.pad_right)                                                                                            \
    KEY(pb, desc.pad_bottom)                                                                                           \
    KEY(pl, desc.pad_left)                                                                                             \
    KEY(groups, desc.groups)                                                                                           \
    KEY(batch, batch)                                                                                                  \
    KEY(cin, desc.in_channels)                                                                                         \
    KEY(cout, desc.out_channels)                                                                                       \
    KEY(h, height)                                                                                                     \
    KEY(w, width)                                                                                                      \
    KEY(threads, threads)

#define IC_TUNED_INDEX(name, member) IC_TUNED_##name,
enum { IC_TUNED_KEYS(IC_TUNED_INDEX) IC_TUNED_FIELDS };

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
