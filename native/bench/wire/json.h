/* SPDX-License-Identifier: Apache-2.0
 * A tiny JSON writer into a growing buffer. A key of NULL writes an array element. */
#ifndef CONVBENCH_JSON_H
#define CONVBENCH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *text;
    size_t length, room;
    bool comma;
} json;

void json_free(json *j);
void json_reset(json *j);
void json_open(json *j, const char *key, char bracket); /* '{' or '[' */
void json_close(json *j, char bracket);                 /* '}' or ']' */
void json_text(json *j, const char *key, const char *value);
void json_words(json *j, const char *key, const char *comma_separated); /* an array of strings */
void json_int(json *j, const char *key, int64_t value);
void json_size(json *j, const char *key, uint64_t value);
void json_number(json *j, const char *key, double value); /* not finite: null */
void json_bool(json *j, const char *key, bool value);
void json_hex(json *j, const char *key, uint64_t value); /* "0x..."; "" for 0 */

#endif
