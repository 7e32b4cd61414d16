/* SPDX-License-Identifier: Apache-2.0
 * convbench: measures the convolutions of indirectconv on the device that it runs on. */
#include "checker/checker.h"
#include "commands/info.h"
#include "commands/probe.h"
#include "commands/tune.h"
#include "conductor/conductor.h"
#include "machine/affinity.h"
#include "probes/memcpy_probe.h"
#include "wire/exit_codes.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int usage(void) {
    fputs("usage: convbench run PLAN --out FILE\n"
          "       convbench verify PLAN [--dump DIR]\n"
          "       convbench tune PLAN --out TABLE             (what is best on the plan's CPU, layer by layer)\n"
          "       convbench info [--kernels | --cpu N]        (--cpu: whose caches; else those of the first allowed)\n"
          "       convbench info --as-midr M                  (what auto would choose on the arm64 core with this\n"
          "                                                   MIDR_EL1, hexadecimal, for the panel's layers)\n"
          "       convbench probe                             (clock and FMA peak of the CPU it happens to run on)\n"
          "       convbench probe --memcpy SOURCE_BYTES TOTAL_BYTES [--cpu N]\n"
          "                                                   (time of copying TOTAL_BYTES out of SOURCE_BYTES, again\n"
          "                                                   and again from its start)\n"
          "       convbench worker        (started by `run`; speaks on file descriptor 3)\n"
          "       convbench check         (started by `run`; judges what other programs computed)\n",
          stderr);
    return EXIT_BAD_PLAN;
}

/* A whole number from 0 to most, or -1. */
static int64_t number(const char *text, uint64_t most) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    return *text < '0' || *text > '9' || *end || errno || value > most ? -1 : (int64_t)value;
}

/* The value of `--cpu`, or -1. */
static int cpu_number(const char *text) {
    return (int)number(text, CPU_LIMIT - 1);
}

static int probe_memcpy(const char *source_text, const char *total_text, const char *cpu_text) {
    int64_t source = number(source_text, MEMCPY_PROBE_LIMIT), total = number(total_text, MEMCPY_PROBE_LIMIT);
    int cpu = cpu_text ? cpu_number(cpu_text) : -1;
    if (source <= 0 || total <= 0 || (cpu_text && cpu < 0)) {
        return usage();
    }
    return probe_print_memcpy((size_t)source, (size_t)total, cpu);
}

static int run(const char *path, const char *out) {
    static plan p;
    records r;
    if (!plan_read(&p, path) || !records_open(&r, out)) {
        return EXIT_BAD_PLAN;
    }
    return conductor_run(&p, &r);
}

static int tune(const char *path, const char *out) {
    static plan p;
    return plan_read(&p, path) ? tune_plan(&p, out) : EXIT_BAD_PLAN;
}

static int verify(const char *path, const char *dump) {
    static plan p;
    records r;
    if (!plan_read(&p, path) || !records_open(&r, NULL)) {
        return EXIT_BAD_PLAN;
    }
    if (dump && mkdir(dump, 0777) && errno != EEXIST) {
        fprintf(stderr, "convbench: cannot make the folder %s: %s\n", dump, strerror(errno));
        return EXIT_BAD_PLAN;
    }
    return conductor_verify(&p, &r, dump);
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    if (!strcmp(command, "worker") && argc == 2) {
        return worker_main();
    }
    if (!strcmp(command, "check") && argc == 2) {
        return checker_main();
    }
    if (!strcmp(command, "info") && argc == 2) {
        return info_print(-1);
    }
    if (!strcmp(command, "info") && argc == 4 && !strcmp(argv[2], "--cpu")) {
        return cpu_number(argv[3]) < 0 ? usage() : info_print(cpu_number(argv[3]));
    }
    if (!strcmp(command, "info") && argc == 3 && !strcmp(argv[2], "--kernels")) {
        return info_print_kernels();
    }
    if (!strcmp(command, "info") && argc == 4 && !strcmp(argv[2], "--as-midr")) {
        return info_print_choices(argv[3]);
    }
    if (!strcmp(command, "probe") && argc == 2) {
        return probe_print();
    }
    if (!strcmp(command, "probe") && (argc == 5 || (argc == 7 && !strcmp(argv[5], "--cpu"))) &&
        !strcmp(argv[2], "--memcpy")) {
        return probe_memcpy(argv[3], argv[4], argc == 7 ? argv[6] : NULL);
    }
    if (!strcmp(command, "run") && argc == 5 && !strcmp(argv[3], "--out")) {
        return run(argv[2], argv[4]);
    }
    if (!strcmp(command, "tune") && argc == 5 && !strcmp(argv[3], "--out")) {
        return tune(argv[2], argv[4]);
    }
    if (!strcmp(command, "verify") && argc == 3) {
        return verify(argv[2], NULL);
    }
    if (!strcmp(command, "verify") && argc == 5 && !strcmp(argv[3], "--dump")) {
        return verify(argv[2], argv[4]);
    }
    return usage();
}
