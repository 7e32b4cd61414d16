/* SPDX-License-Identifier: Apache-2.0
 * Failures and their texts. The text belongs to the thread that failed (ic_last_error): objects that fail to be made
 * have no place for one, and a text that threads share would race. Success never touches it. */
#ifndef IC_ERROR_H
#define IC_ERROR_H

#include "indirectconv.h"

/* Keeps the text, which names the argument, and returns the status. */
ic_status ic_fail(ic_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* IC_OUT_OF_MEMORY: the allocator gave no `bytes` for `what`. */
ic_status ic_fail_memory(const char *what, size_t bytes);

#endif
