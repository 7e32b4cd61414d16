/* SPDX-License-Identifier: Apache-2.0
 * What another program prints, line by line. */
#ifndef CONVBENCH_PRINTED_H
#define CONVBENCH_PRINTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void printed_line(void *to, char *line); /* without its end; cut where it is very long */

/* Runs it and hands over its lines until its end. false: `why` says what went wrong: it could not be started, printed
 * nothing, or had not ended at `until` (timer_ns), when it is killed with what it began. */
bool printed_by(char *const argv[], uint64_t until, printed_line *take, void *to, char *why, size_t room);

#endif
