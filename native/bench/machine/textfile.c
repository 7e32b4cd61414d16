/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/textfile.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

char *textfile_read(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t room = 65536;
    *bytes = 0;
    for (bool more = file != NULL; more; room *= 2) {
        char *grown = realloc(text, room + 1);
        if (!grown) {
            break;
        }
        text = grown;
        *bytes += fread(text + *bytes, 1, room - *bytes, file);
        more = *bytes == room;
        text[*bytes] = 0;
    }
    bool whole = file && text && *bytes < room && !ferror(file);
    if (file) {
        fclose(file);
    }
    if (whole) {
        return text;
    }
    free(text);
    return NULL;
}
