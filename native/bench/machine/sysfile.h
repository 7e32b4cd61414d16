/* SPDX-License-Identifier: Apache-2.0
 * Small files of /sys and /proc. */
#ifndef CONVBENCH_SYSFILE_H
#define CONVBENCH_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>

/* The file's first bytes as text without the line end; false if it cannot be read or is empty. */
bool sysfile_text(const char *path, char *text, size_t room);
#define SYSFILE_WHY 96 /* room for a reason */
/* A number and nothing else, not beyond 1e15. */
bool sysfile_number(const char *path, double scale, double *value);
/* The same within bounds (after scaling); false: `why` says what is wrong with it. */
bool sysfile_reading(const char *path, double scale, double low, double high, double *value, char *why, size_t room);
/* The beginning of a text of whatever bytes, fit to be shown. */
void sysfile_shown(const char *text, char *shown, size_t room);
/* A temperature in degrees C; false also for what none can be: a sensor that is off says 0, -40 or -273. */
bool sysfile_celsius(const char *path, double scale, double *value);
bool is_celsius(double value);

#define SYSFILE_LOWEST_C 1 /* as in harness/control/heat.py */
#define SYSFILE_HIGHEST_C 130

#endif
