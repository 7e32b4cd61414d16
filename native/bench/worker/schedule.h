/* SPDX-License-Identifier: Apache-2.0
 * Schedules as requests name them, and as the library does. */
#ifndef CONVBENCH_SCHEDULE_H
#define CONVBENCH_SCHEDULE_H

#include "wire/fields.h"

#include "indirectconv.h"

#define SCHEDULE_NAME 64   /* room for the library's, with its end */
#define SCHEDULE_ASKED 160 /* room for one that was asked for */

/* Reads the key `schedule`. The library's name of it: NULL, the default one; or `name`, with the default kernel in the
 * place of `default`. */
const char *schedule_read(fields *f, ic_type type, char name[SCHEDULE_ASKED]);
/* Length of the kernel's name, with which a schedule begins. */
int schedule_kernel(const char *schedule);

#endif
