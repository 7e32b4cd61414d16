/* SPDX-License-Identifier: Apache-2.0
 * Small files of /sys and /proc. */
#ifndef CONVBENCH_SYSFILE_H
#define CONVBENCH_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>

/* The file's first bytes as text without the line end; false if it cannot be read or is empty. */
bool sysfile_text(const char *path, char *text, size_t room);
bool sysfile_number(const char *path, double scale, double *value);
/* A temperature in degrees C; false also for what none can be: a sensor that is off says 0, -40 or -273. */
bool sysfile_celsius(const char *path, double scale, double *value);
bool is_celsius(double value);

#endif
