/* SPDX-License-Identifier: Apache-2.0
 * The file of records: JSON Lines, each written whole by one write(2), so that a kill cuts at most the last line. */
#ifndef CONVBENCH_RECORDS_H
#define CONVBENCH_RECORDS_H

#include "wire/json.h"

#include <stdint.h>

typedef struct {
    int fd;
    const char *path;
    uint64_t seq;
    json line;
} records;

bool records_open(records *r, const char *path); /* appends; NULL: stdout. Says on stderr why not. */
json *record_begin(records *r, const char *type);
void record_end(records *r); /* a failed write (a full disk) takes the cut line back and ends the program with 3 */

#endif
