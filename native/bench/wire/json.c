/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(json *j, const char *bytes, size_t count) {
    if (j->length + count + 1 > j->room) {
        j->room = 2 * (j->length + count) + 256;
        char *text = realloc(j->text, j->room);
        if (!text) {
            fputs("convbench: out of memory for a record\n", stderr);
            exit(3);
        }
        j->text = text;
    }
    memcpy(j->text + j->length, bytes, count);
    j->length += count;
    j->text[j->length] = 0;
}

/* Length of the valid UTF-8 sequence at s, 0 if there is none (overlong forms and surrogates are refused). */
static size_t utf8(const unsigned char *s) {
    if (s[0] < 0x80) {
        return 1;
    }
    size_t n = s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : s[0] >= 0xF0 && s[0] < 0xF5 ? 4 : 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool bad = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] >= 0xA0) || (s[0] == 0xF0 && s[1] < 0x90) ||
               (s[0] == 0xF4 && s[1] >= 0x90);
    return bad ? 0 : n;
}

static void put_string(json *j, const char *value) {
    put(j, "\"", 1);
    for (const unsigned char *s = (const unsigned char *)value; *s;) {
        char escape[8];
        size_t n = utf8(s);
        if (*s == '"' || *s == '\\') {
            escape[0] = '\\';
            escape[1] = (char)*s;
            put(j, escape, 2);
        } else if (*s < 0x20 || *s == 0x7F) {
            put(j, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", *s));
        } else if (n == 0) {
            put(j, "\\ufffd", 6);
        } else {
            put(j, (const char *)s, n);
        }
        s += n ? n : 1;
    }
    put(j, "\"", 1);
}

static void begin(json *j, const char *key) {
    if (j->comma) {
        put(j, ",", 1);
    }
    j->comma = true;
    if (key) {
        put_string(j, key);
        put(j, ":", 1);
    }
}

void json_free(json *j) {
    free(j->text);
    memset(j, 0, sizeof *j);
}

void json_reset(json *j) {
    j->length = 0;
    j->comma = false;
}

void json_open(json *j, const char *key, char bracket) {
    begin(j, key);
    put(j, &bracket, 1);
    j->comma = false;
}

void json_close(json *j, char bracket) {
    put(j, &bracket, 1);
    j->comma = true;
}

void json_text(json *j, const char *key, const char *value) {
    begin(j, key);
    put_string(j, value);
}

void json_words(json *j, const char *key, const char *list) {
    json_open(j, key, '[');
    while (*list) {
        char word[64];
        size_t n = strcspn(list, ",");
        snprintf(word, sizeof word, "%.*s", (int)n, list);
        json_text(j, NULL, word);
        list += n + (list[n] == ',');
    }
    json_close(j, ']');
}

void json_int(json *j, const char *key, int64_t value) {
    char text[32];
    begin(j, key);
    put(j, text, (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

void json_size(json *j, const char *key, uint64_t value) {
    char text[32];
    begin(j, key);
    put(j, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, value));
}

void json_number(json *j, const char *key, double value) {
    char text[40] = "null";
    begin(j, key);
    if (isfinite(value)) {
        snprintf(text, sizeof text, "%.12g", value);
    }
    put(j, text, strlen(text));
}

void json_bool(json *j, const char *key, bool value) {
    begin(j, key);
    put(j, value ? "true" : "false", value ? 4 : 5);
}

void json_hex(json *j, const char *key, uint64_t value) {
    char text[24] = "";
    if (value) {
        snprintf(text, sizeof text, "0x%" PRIx64, value);
    }
    json_text(j, key, text);
}
