/* SPDX-License-Identifier: Apache-2.0
 * Small files of /sys and /proc. */
#ifndef CONVBENCH_SYSFILE_H
#define CONVBENCH_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>

/* The file's first bytes as text without the line end; false if it cannot be read or is empty. */
bool sysfile_text(const char *path, char *text, size_t room);
bool sysfile_number(const char *path, double scale, double *value);

#endif
