/* SPDX-License-Identifier: Apache-2.0
 * One line of `word key=value key=value ...`, values percent-encoded: the plan's and the worker protocol's syntax.
 * The first error sticks; read everything, call fields_end, then look at `error`. */
#ifndef CONVBENCH_FIELDS_H
#define CONVBENCH_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#define FIELDS_MAX 48

typedef struct {
    char *word;
    unsigned count;
    struct {
        char *key, *value;
        bool used;
    } item[FIELDS_MAX];
    char error[192];
} fields;

void fields_parse(fields *f, char *line); /* cuts and decodes `line` in place */
bool fields_has(const fields *f, const char *key);
const char *fields_text(fields *f, const char *key); /* required; "" on error */
const char *fields_text_or(fields *f, const char *key, const char *else_);
uint64_t fields_u64(fields *f, const char *key, uint64_t low, uint64_t high);
double fields_f64(fields *f, const char *key, double low, double high); /* inf and -inf allowed if in range */
void fields_fail(fields *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next of comma-separated items, NUMBER or (second not NULL) NUMBER.NUMBER, each at most high. */
bool fields_item(const char **text, uint64_t high, uint64_t *first, uint64_t *second);
void fields_end(fields *f); /* an unread key is an error */

#define FIELDS_ENCODED(length) (3 * (length) + 1)
/* Writes text percent-encoded into out (room for FIELDS_ENCODED(strlen(text)), else cut) and returns out. */
char *fields_encode(const char *text, char *out, unsigned long room);
/* Writes behind what `line` (room bytes, its end included) has; cut where it is full. */
void fields_append(char *line, unsigned long room, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
