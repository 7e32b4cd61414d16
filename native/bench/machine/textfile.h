/* SPDX-License-Identifier: Apache-2.0
 * A whole file in memory. */
#ifndef CONVBENCH_TEXTFILE_H
#define CONVBENCH_TEXTFILE_H

#include <stddef.h>

/* Its bytes and a NUL behind them, to be freed; NULL on failure, errno says why. */
char *textfile_read(const char *path, size_t *bytes);

#endif
