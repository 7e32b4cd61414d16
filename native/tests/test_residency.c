/* SPDX-License-Identifier: Apache-2.0
 * The time at each frequency: what the kernel writes is read, and whatever else a file may hold is refused. */
#include "machine/residency.h"

#include "check.h"

#include <string.h>

static residency parsed(const char *text) {
    residency r;
    char why[96] = "";
    CHECK(residency_parse(&r, text, why, sizeof why) && !why[0]);
    return r;
}

static void differences(const char *kernel) {
    (void)kernel;
    char why[96];
    residency spent, before = parsed("300000 70000\n1766400 5\n2803200 12\n");
    residency after = parsed("300000 70000\n1766400 9\n2803200 30"); /* the last line end is cut off by the reader */
    CHECK(residency_between(&before, &after, &spent, why, sizeof why));
    CHECK(spent.count == 3 && spent.ticks[0] == 0 && spent.ticks[1] == 4 && spent.ticks[2] == 18);
    CHECK(spent.khz[2] == 2803200);
    CHECK(!residency_between(&after, &before, &spent, why, sizeof why) && !strcmp(why, "its times went back"));
    const residency other = parsed("300000 70000\n1766400 9\n2803201 30"), fewer = parsed("300000 70000");
    CHECK(!residency_between(&before, &other, &spent, why, sizeof why) && strstr(why, "other frequencies"));
    CHECK(!residency_between(&before, &fewer, &spent, why, sizeof why) && strstr(why, "other frequencies"));
}

static void garbage(const char *kernel) {
    static const char *const every[] = {"",
                                        "\n",
                                        "300000",
                                        "300000 \n",
                                        " 300000 5\n",
                                        "300000  5\n",
                                        "300000 -5",
                                        "-300000 5",
                                        "0 5\n",
                                        "300000 5 6",
                                        "300000 5\n\n1766400 6",
                                        "300000 5\n300000 6\n",
                                        "x 5",
                                        "300000 x",
                                        "300000\t5",
                                        "3e5 5",
                                        "300000 5.5",
                                        "999999999999 5",
                                        "300000 99999999999999999999",
                                        "\x80\xff",
                                        "300000 5\r\n"};
    (void)kernel;
    for (unsigned i = 0; i < sizeof every / sizeof *every; i++) {
        residency r;
        char why[96] = "";
        CHECK(!residency_parse(&r, every[i], why, sizeof why) && why[0]);
    }
    /* More lines than there is room for. */
    static char many[RESIDENCY_STATES * 16 + 64];
    size_t n = 0;
    for (unsigned i = 0; i <= RESIDENCY_STATES; i++) {
        n += (size_t)snprintf(many + n, sizeof many - n, "%u 1\n", 1000 + i);
    }
    residency r;
    char why[96];
    CHECK(!residency_parse(&r, many, why, sizeof why) && strstr(why, "more than"));
    CHECK(!residency_read(&r, "/nonexistent", why, sizeof why) && why[0]);
}

/* Bytes at random, and a good text with one byte changed: it is parsed into numbers that can be, or refused. */
static void random_bytes(const char *kernel) {
    (void)kernel;
    uint32_t state = 1;
    for (unsigned n = 0; n < 20000; n++) {
        char text[64] = "300000 70000\n1766400 5\n2803200 12\n", why[96] = "";
        const size_t length = strlen(text);
        for (size_t i = 0; i < length; i++) {
            state = state * 1664525 + 1013904223;
            if (n % 2 ? i == state % length : state >> 30) {
                text[i] = (char)(state >> 16);
            }
        }
        residency r;
        if (residency_parse(&r, text, why, sizeof why)) {
            CHECK(r.count > 0 && r.count <= 3 && r.khz[0] > 0 && r.khz[0] <= 100000000);
        } else {
            CHECK(why[0]);
        }
    }
}

int main(int argc, char **argv) {
    static const check_case cases[] = {
        {"differences", differences}, {"garbage", garbage}, {"random_bytes", random_bytes}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
