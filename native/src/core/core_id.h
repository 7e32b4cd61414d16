/* SPDX-License-Identifier: Apache-2.0
 * The name of the core that a thread runs on: measurements hold on cores of the same name. */
#ifndef IC_CORE_ID_H
#define IC_CORE_ID_H

#include <stdbool.h>

#define IC_CORE_ID 96 /* room for it */

/* One word; false where the core doesn't say what it is. */
bool ic_core_id(char id[IC_CORE_ID]);

#endif
