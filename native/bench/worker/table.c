/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/table.h"

#include "machine/textfile.h"
#include "wire/sha256.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void table_load(table *t, const char *path) {
    size_t bytes;
    memset(t, 0, sizeof *t);
    char *text = textfile_read(path, &bytes);
    if (!text) {
        snprintf(t->refused, sizeof t->refused, "the tuned table cannot be read: %s", strerror(errno));
        return;
    }
    sha256_hex(text, bytes, t->sha256);
    const ic_status status = ic_tuned_load(text, bytes, NULL, &t->tuned);
    if (status != IC_OK) {
        snprintf(t->refused, sizeof t->refused, "%s", ic_status_string(status));
    }
    free(text);
}
