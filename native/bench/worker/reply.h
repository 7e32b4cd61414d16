/* SPDX-License-Identifier: Apache-2.0
 * A worker's answers of one kind or another; false: the conductor is gone. */
#ifndef CONVBENCH_REPLY_H
#define CONVBENCH_REPLY_H

#include <stdbool.h>
#include <stddef.h>

bool reply_failed(const char *reason);
bool reply_hindered(const char *reason);           /* failed, and not by the variant's doing */
bool reply_skip(const char *reason, size_t bytes); /* 0: not a matter of memory */
char *reply_text(const char *text);                /* encoded; eight may be in use at a time */

#endif
