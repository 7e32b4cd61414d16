/* SPDX-License-Identifier: Apache-2.0
 * Caches and timer as `convbench info` and the header of records tell them. */
#ifndef CONVBENCH_MACHINE_JSON_H
#define CONVBENCH_MACHINE_JSON_H

#include "machine/caches.h"
#include "wire/json.h"

void machine_json_caches(json *j, const caches *c); /* "caches": {...} */
void machine_json_timer(json *j);                   /* "timer": {...}, measured now */

#endif
