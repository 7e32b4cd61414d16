/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/rawfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool rawfile_write(const char *path, const float *values, size_t count, char *reason, size_t room) {
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(values, sizeof *values, count, file) == count;
    int why = errno;
    if (file && fclose(file)) { /* a full disk may show only here */
        why = errno;
        written = false;
    }
    if (!written) {
        snprintf(reason, room, "cannot write %.150s: %s", path, strerror(why));
    }
    return written;
}

rawfile_status rawfile_read(const char *path, float *values, size_t count, char *reason, size_t room) {
    struct stat status;
    if (stat(path, &status)) {
        snprintf(reason, room,
                 errno == ENOENT ? "it wrote no output to the file that was asked for"
                                 : "the output file cannot be read");
        return RAWFILE_UNREADABLE;
    }
    if (!S_ISREG(status.st_mode)) { /* to open a pipe would wait for its other end */
        snprintf(reason, room, "its output is no regular file");
        return RAWFILE_UNREADABLE;
    }
    if ((size_t)status.st_size != count * sizeof *values) {
        snprintf(reason, room, "its output has %lld bytes, the layer's has %zu", (long long)status.st_size,
                 count * sizeof *values);
        return RAWFILE_OTHER_SIZE;
    }
    FILE *file = fopen(path, "rb");
    bool whole = file && fread(values, sizeof *values, count, file) == count;
    if (file) {
        fclose(file);
    }
    if (!whole) {
        snprintf(reason, room, "the output file cannot be read");
    }
    return whole ? RAWFILE_READ : RAWFILE_UNREADABLE;
}
