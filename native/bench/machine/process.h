/* SPDX-License-Identifier: Apache-2.0
 * This process, as systems tell it in ways of their own. */
#ifndef CONVBENCH_PROCESS_H
#define CONVBENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Linux: field 22 of /proc/self/stat, in ticks. macOS: seconds since 1970. 0 if unreadable. */
uint64_t process_start(void);
void process_boot_id(char *text, size_t room); /* of the system's start; "" where it does not tell */
const char *process_program(void);             /* a path by which this program can be started again */
/* The caller is killed when its parent ends. On macOS it has to be said again after exec. */
void process_end_with_parent(void);
/* As pipe and socketpair (a stream), closed on exec; false, and errno says why. */
bool process_pipe(int ends[2]);
bool process_sockets(int ends[2]);

#endif
