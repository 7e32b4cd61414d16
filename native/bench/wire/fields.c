/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/fields.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fields_fail(fields *f, const char *format, ...) {
    if (f->error[0]) {
        return;
    }
    va_list list;
    va_start(list, format);
    vsnprintf(f->error, sizeof f->error, format, list);
    va_end(list);
}

static int hex(int c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool decode(char *text) {
    char *out = text;
    for (; *text; text++) {
        if (*text != '%') {
            *out++ = *text;
            continue;
        }
        int high = hex((unsigned char)text[1]), low = high < 0 ? -1 : hex((unsigned char)text[2]);
        if (low < 0 || (high == 0 && low == 0)) {
            return false;
        }
        *out++ = (char)(high * 16 + low);
        text += 2;
    }
    *out = 0;
    return true;
}

void fields_parse(fields *f, char *line) {
    memset(f, 0, sizeof *f);
    f->word = line;
    char *next = strchr(line, ' ');
    if (next) {
        *next++ = 0;
    }
    while (next) {
        char *part = next;
        if ((next = strchr(part, ' '))) {
            *next++ = 0;
        }
        char *equals = strchr(part, '=');
        if (!equals || equals == part) {
            fields_fail(f, "'%.60s' is not key=value (one space between fields)", part);
            return;
        }
        *equals = 0;
        if (fields_has(f, part)) {
            fields_fail(f, "key '%.40s' stands twice", part);
            return;
        }
        if (!decode(equals + 1)) {
            fields_fail(f, "key '%.40s' has a bad %%-escape", part);
            return;
        }
        if (f->count == FIELDS_MAX) {
            fields_fail(f, "more than %d fields", FIELDS_MAX);
            return;
        }
        f->item[f->count].key = part;
        f->item[f->count].value = equals + 1;
        f->item[f->count++].used = false;
    }
}

static const char *find(fields *f, const char *key) {
    for (unsigned i = 0; i < f->count; i++) {
        if (!strcmp(f->item[i].key, key)) {
            f->item[i].used = true;
            return f->item[i].value;
        }
    }
    return NULL;
}

bool fields_has(const fields *f, const char *key) {
    for (unsigned i = 0; i < f->count; i++) {
        if (!strcmp(f->item[i].key, key)) {
            return true;
        }
    }
    return false;
}

const char *fields_text_or(fields *f, const char *key, const char *else_) {
    const char *value = find(f, key);
    return value ? value : else_;
}

const char *fields_text(fields *f, const char *key) {
    const char *value = find(f, key);
    if (!value) {
        fields_fail(f, "key '%s' is missing", key);
    }
    return value ? value : "";
}

uint64_t fields_u64(fields *f, const char *key, uint64_t low, uint64_t high) {
    const char *text = fields_text(f, key);
    if (f->error[0]) {
        return low;
    }
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno || value < low || value > high) {
        fields_fail(f, "%s=%.40s is not a whole number from %llu to %llu", key, text, (unsigned long long)low,
                    (unsigned long long)high);
        return low;
    }
    return value;
}

double fields_f64(fields *f, const char *key, double low, double high) {
    const char *text = fields_text(f, key);
    if (f->error[0]) {
        return low;
    }
    char *end;
    double value = strtod(text, &end);
    if (!*text || isspace((unsigned char)*text) || *end || !(value >= low && value <= high)) {
        fields_fail(f, "%s=%.40s is not a number from %g to %g", key, text, low, high);
        return low;
    }
    return value;
}

bool fields_item(const char **text, uint64_t high, uint64_t *first, uint64_t *second) {
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    *first = strtoull(*text, &end, 10);
    if (second) {
        if (end[0] != '.' || end[1] < '0' || end[1] > '9') {
            return false;
        }
        *second = strtoull(end + 1, &end, 10);
    }
    if (errno || *first > high || (second && *second > high) || (*end && (*end != ',' || !end[1]))) {
        return false;
    }
    *text = end + (*end == ',');
    return true;
}

void fields_end(fields *f) {
    for (unsigned i = 0; i < f->count; i++) {
        if (!f->item[i].used) {
            fields_fail(f, "unknown key '%.40s' in '%.20s'", f->item[i].key, f->word);
        }
    }
}

char *fields_encode(const char *text, char *out, unsigned long room) {
    unsigned long n = 0;
    for (; *text && n + 4 <= room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c <= ' ' || c == '%' || c == 127) {
            n += (unsigned long)snprintf(out + n, 4, "%%%02X", c);
        } else {
            out[n++] = (char)c;
        }
    }
    out[n] = 0;
    return out;
}

void fields_append(char *line, unsigned long room, const char *format, ...) {
    size_t have = strlen(line);
    va_list list;
    va_start(list, format);
    vsnprintf(line + have, room - have, format, list);
    va_end(list);
}
