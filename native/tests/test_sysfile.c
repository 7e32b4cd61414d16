/* SPDX-License-Identifier: Apache-2.0
 * Readings of small files: a number within bounds, or the reason why it is none, whatever bytes a file holds. */
#define _GNU_SOURCE /* mkstemp */
#include "machine/sysfile.h"

#include "check.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_sysfile.XXXXXX";

static void put(const char *bytes, size_t count) {
    FILE *file = fopen(path, "w");
    CHECK(file && fwrite(bytes, 1, count, file) == count && fclose(file) == 0);
}

static void begin(void) {
    const int fd = mkstemp(path);
    CHECK(fd >= 0 && close(fd) == 0);
}

/* A reason is short and fit to be shown. */
static void is_reason(const char *why) {
    CHECK(why[0] && strlen(why) < SYSFILE_WHY);
    for (const char *c = why; *c; c++) {
        CHECK(isprint((unsigned char)*c) && (unsigned char)*c < 0x80);
    }
}

static void readings(const char *kernel) {
    static const struct {
        const char *text;
        double value; /* NaN: none */
    } every[] = {{"1766400\n", 1766400},
                 {"1766400", 1766400},
                 {"10000.5\n", 10000.5},
                 {"  1766400\n", NAN},
                 {"1e5\n", 100000},
                 {"9999\n", NAN},
                 {"-1766400\n", NAN},
                 {"1e9\n", NAN},
                 {"1766400 kHz", NAN},
                 {"0x1af400", NAN},
                 {"nan", NAN},
                 {"inf", NAN},
                 {"", NAN},
                 {"\n", NAN},
                 {"kHz", NAN},
                 {"1766400\n1766400", NAN}};
    (void)kernel;
    begin();
    for (unsigned i = 0; i < sizeof every / sizeof *every; i++) {
        double value = -1;
        char why[SYSFILE_WHY] = "";
        put(every[i].text, strlen(every[i].text));
        const bool read = sysfile_reading(path, 1, 1e4, 1e8, &value, why, sizeof why);
        CHECK(read == !isnan(every[i].value) && (!read || value == every[i].value));
        if (!read) {
            is_reason(why);
        }
    }
    double value;
    char why[SYSFILE_WHY];
    put("312\n", 4);
    CHECK(sysfile_celsius(path, 0.1, &value) && fabs(value - 31.2) < 1e-9);
    CHECK(!sysfile_celsius(path, 1, &value) && !sysfile_celsius(path, -0.1, &value));
    CHECK(unlink(path) == 0);
    CHECK(!sysfile_reading(path, 1, 1e4, 1e8, &value, why, sizeof why) && !strcmp(why, strerror(ENOENT)));
}

static void random_bytes(const char *kernel) {
    static const char likely[] = "0123456789+-.eE \n\txXnaif\0\x80\xff";
    (void)kernel;
    begin();
    uint64_t state = 7;
    for (unsigned n = 0; n < 4000; n++) {
        char text[96];
        const size_t length = random_range(&state, 0, n % 2 ? 12 : sizeof text);
        for (size_t i = 0; i < length; i++) {
            text[i] = n % 4 ? likely[random_range(&state, 0, sizeof likely - 2)] : (char)random_next(&state);
        }
        put(text, length);
        double value = NAN;
        char why[SYSFILE_WHY] = "";
        if (sysfile_reading(path, 1, 1e4, 1e8, &value, why, sizeof why)) {
            CHECK(value >= 1e4 && value <= 1e8);
        } else {
            is_reason(why);
        }
    }
    CHECK(unlink(path) == 0);
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"readings", readings}, {"random_bytes", random_bytes}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
