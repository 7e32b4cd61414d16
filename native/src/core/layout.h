/* SPDX-License-Identifier: Apache-2.0
 * Layouts of input and output: the table of those that the library covers. */
#ifndef IC_LAYOUT_H
#define IC_LAYOUT_H

#include "indirectconv.h"

#include <stdbool.h>

/* "nhwc"; NULL: not covered. */
const char *ic_layout_name(ic_layout layout);
/* False, and nothing written, where none of that name is covered. */
bool ic_layout_from_name(const char *name, ic_layout *layout);
/* IC_UNSUPPORTED, with what is covered. */
ic_status ic_fail_layout(ic_layout layout);
/* IC_UNSUPPORTED: nothing is chosen for descriptions of this layout, of which `name` is one. */
ic_status ic_fail_unchosen(const char *name, ic_layout layout);

#endif
