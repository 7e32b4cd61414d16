/* SPDX-License-Identifier: Apache-2.0
 * convbench: measures the convolutions of indirectconv on the device that it runs on. */
#include "affinity.h"
#include "clock_probe.h"
#include "conductor.h"
#include "cpu.h"
#include "emit.h"
#include "core/core.h"
#include "introspect.h"
#include "kernel.h"
#include "memcpy_probe.h"
#include "panel.h"
#include "peak_probe.h"
#include "tune.h"
#include "worker.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
          "       convbench worker        (started by `run`; speaks on file descriptor 3)\n",
          stderr);
    return EXIT_BAD_PLAN;
}

static int print(json *j) {
    fwrite(j->text, 1, j->length, stdout);
    putchar('\n');
    json_free(j);
    return fflush(stdout) ? EXIT_WORKER : EXIT_DONE;
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

static int first_allowed(void) {
    cpu_set set;
    int cpu = 0;
    if (affinity_get(&set)) {
        while (cpu < CPU_LIMIT - 1 && !cpu_set_has(&set, cpu)) {
            cpu++;
        }
    }
    return cpu;
}

static int info(int cpu) {
    json j = {0};
    cpu_caches caches = cpu_caches_read(cpu, 0);
    char build[13];
    snprintf(build, sizeof build, "%.12s", cpu_build_id());
    json_open(&j, NULL, '{');
    json_text(&j, "version", emit_version());
    json_text(&j, "build", build);
    json_text(&j, "build_id", cpu_build_id());
    json_text(&j, "compiler", emit_compiler());
    json_text(&j, "flags", emit_flags());
    json_words(&j, "cpu_features", ic_cpu_features());
    json_int(&j, "page_size", sysconf(_SC_PAGESIZE));
    json_text(&j, "default_kernel", kernel_default(IC_TYPE_F32));
    emit_caches(&j, &caches);
    emit_timer(&j);
    json_close(&j, '}');
    return print(&j);
}

static int info_kernels(void) {
    json j = {0};
    ic_kernel_info view = IC_KERNEL_INFO_INIT;
    json_open(&j, NULL, '[');
    for (unsigned i = 0; ic_kernel_get_info(i, &view) == IC_OK; i++) {
        json_open(&j, NULL, '{');
        json_text(&j, "name", view.name);
        json_text(&j, "isa", view.isa);
        json_words(&j, "features", view.features);
        json_int(&j, "rows", view.rows);
        json_int(&j, "columns", view.columns);
        json_bool(&j, "supported", view.is_supported);
        json_hex(&j, "address", (uintptr_t)ic_kernel_address(i));
        json_close(&j, '}');
    }
    json_close(&j, ']');
    return print(&j);
}

static int info_as_midr(const char *text) {
    json j = {0};
    uint64_t midr;
    if (!panel_parse_midr(text, &midr)) {
        fprintf(stderr, "convbench: --as-midr %.40s is no MIDR_EL1: write it in hexadecimal, as in 410fd0b1\n", text);
        return EXIT_BAD_PLAN;
    }
    if (!panel_print(midr, &j)) {
        fputs("convbench: the library chooses nothing for a layer of the panel\n", stderr);
        return EXIT_WORKER;
    }
    return print(&j);
}

static int probe(void) {
    json j = {0};
    char reason[160];
    peak_result peak = peak_probe(IC_TYPE_F32, 0);
    clock_reading clock = clock_probe();
    bool available = clock_believable(clock, 0, reason, sizeof reason);
    json_open(&j, NULL, '{');
    json_open(&j, "clock", '{');
    json_bool(&j, "available", available);
    json_text(&j, "reason", reason);
    json_number(&j, "mhz", clock.mhz);
    json_number(&j, "second_mhz", clock.second_mhz);
    json_close(&j, '}');
    json_open(&j, "peak", '{');
    json_text(&j, "isa", peak.isa);
    json_bool(&j, "ok", peak.ok);
    json_number(&j, "flop_per_cycle", peak.flop_per_cycle > 0 ? peak.flop_per_cycle : (double)NAN);
    json_number(&j, "fmas_per_cycle", peak.fmas_per_cycle > 0 ? peak.fmas_per_cycle : (double)NAN);
    json_number(&j, "gflops", peak.gflops);
    json_text(&j, "reason", peak.reason);
    json_close(&j, '}');
    json_close(&j, '}');
    return print(&j);
}

static int probe_memcpy(const char *source_text, const char *total_text, const char *cpu_text) {
    int64_t source = number(source_text, MEMCPY_PROBE_LIMIT), total = number(total_text, MEMCPY_PROBE_LIMIT);
    int cpu = cpu_text ? cpu_number(cpu_text) : 0;
    json j = {0};
    cpu_set set = {0};
    double ns;
    if (source <= 0 || total <= 0 || cpu < 0) {
        return usage();
    }
    cpu_set_put(&set, cpu, true);
    if (cpu_text && !affinity_set(&set)) {
        fprintf(stderr, "convbench: cannot run on CPU %d: %s\n", cpu, errno ? strerror(errno) : "not allowed");
        return EXIT_BAD_PLAN;
    }
    if (!memcpy_probe((size_t)source, (size_t)total, &ns)) {
        fputs("convbench: too little memory for this copy\n", stderr);
        return EXIT_BAD_PLAN;
    }
    json_open(&j, NULL, '{');
    json_number(&j, "memcpy_ns", ns);
    json_int(&j, "source_bytes", source);
    json_int(&j, "total_bytes", total);
    json_close(&j, '}');
    return print(&j);
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
    if (!strcmp(command, "info") && argc == 2) {
        return info(first_allowed());
    }
    if (!strcmp(command, "info") && argc == 4 && !strcmp(argv[2], "--cpu")) {
        return cpu_number(argv[3]) < 0 ? usage() : info(cpu_number(argv[3]));
    }
    if (!strcmp(command, "info") && argc == 3 && !strcmp(argv[2], "--kernels")) {
        return info_kernels();
    }
    if (!strcmp(command, "info") && argc == 4 && !strcmp(argv[2], "--as-midr")) {
        return info_as_midr(argv[3]);
    }
    if (!strcmp(command, "probe") && argc == 2) {
        return probe();
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
