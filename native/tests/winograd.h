/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IC_TESTS_WINOGRAD_H
#define IC_TESTS_WINOGRAD_H

/* Winograd on a kernel: its bound, on plain and on uneven values, guarded memory, threads, NaN, what auto may take. */
void winograd(const char *kernel);

#endif
