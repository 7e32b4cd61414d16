/* SPDX-License-Identifier: Apache-2.0
 * How convbench ends. Where several apply the first in this order counts. */
#ifndef CONVBENCH_EXIT_CODES_H
#define CONVBENCH_EXIT_CODES_H

enum {
    EXIT_DONE = 0,
    EXIT_SIGNAL = 130,
    EXIT_BAD_PLAN = 2, /* and usage */
    EXIT_WRONG = 1,
    EXIT_WORKER = 3,
    EXIT_DEADLINE = 4,
};

#endif
