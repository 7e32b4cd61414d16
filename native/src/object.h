/* SPDX-License-Identifier: Apache-2.0
 * The object: what all methods share. A method's own objects begin with this. */
#ifndef IC_OBJECT_H
#define IC_OBJECT_H

#include "choice/chooser.h"
#include "core/geometry.h"

struct ic_conv2d {
    const struct ic_method *method;
    ic_conv2d_desc desc;
    ic_geometry geometry;             /* valid when is_shaped */
    size_t input_bytes, output_bytes; /* valid when is_shaped */
    bool is_shaped;
    size_t element; /* bytes of one of the description's type */
    ic_chooser chooser;
    ic_algorithm algorithm; /* that runs, known once is_shaped */
    ic_schedule schedule;
    char schedule_name[IC_SCHEDULE_NAME];
    ic_pool *pool;
    ic_allocator allocator;
    size_t bytes[IC_MEMORY_KINDS];
    void *weights;             /* as the method packs them */
    struct ic_conv2d *instead; /* auto: an object of another method, which runs for this size; NULL: none */
};

/* From the object's allocator, counted by kind; NULL where it has none. */
void *ic_take(ic_conv2d *conv, size_t bytes, ic_memory kind);
/* NULL is allowed. */
void ic_give_back(ic_conv2d *conv, void *memory, ic_memory kind);

#endif
