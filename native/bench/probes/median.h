/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONVBENCH_MEDIAN_H
#define CONVBENCH_MEDIAN_H

#include <stddef.h>

double median(double *values, size_t count); /* sorts them; count is at least 1 */

#endif
