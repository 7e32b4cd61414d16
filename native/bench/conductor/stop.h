/* SPDX-License-Identifier: Apache-2.0
 * What ends a run early: the plan's deadline, or SIGTERM or SIGINT. Every wait of the conductor goes through here. */
#ifndef CONVBENCH_STOP_H
#define CONVBENCH_STOP_H

#include <stdbool.h>
#include <stdint.h>

typedef enum { STOP_NOT, STOP_SIGNAL, STOP_DEADLINE } stop_reason;

void stop_arm(double deadline_s); /* from now; installs the handlers, which only interrupt stop_wait */
stop_reason stop_now(void);
/* Sleeps until fd (or -1) is readable (true), or `until` (timer_ns) has come or the run is to stop (false). */
bool stop_wait(int fd, uint64_t until);
bool stop_wait_room(int fd); /* for writing; false: the run is to stop first, or the fd is broken */
void stop_unblock(void);     /* in a child before exec: signals as they were */

#endif
