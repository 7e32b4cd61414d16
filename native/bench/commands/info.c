/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/info.h"

#include "commands/output.h"
#include "commands/panel.h"
#include "core/core.h"
#include "introspect.h"
#include "machine/affinity.h"
#include "machine/caches.h"
#include "machine/kernel.h"
#include "machine/program.h"
#include "wire/exit_codes.h"
#include "wire/machine_json.h"

#include <stdio.h>
#include <unistd.h>

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

int info_print(int cpu) {
    json j = {0};
    caches c = caches_read(cpu < 0 ? first_allowed() : cpu, 0);
    char build[13];
    snprintf(build, sizeof build, "%.12s", program_build_id());
    json_open(&j, NULL, '{');
    json_text(&j, "version", program_version());
    json_text(&j, "build", build);
    json_text(&j, "build_id", program_build_id());
    json_text(&j, "abi", program_abi());
    json_text(&j, "compiler", program_compiler());
    json_text(&j, "flags", program_flags());
    json_words(&j, "cpu_features", ic_cpu_features());
    json_int(&j, "page_size", sysconf(_SC_PAGESIZE));
    json_text(&j, "default_kernel", kernel_default(IC_TYPE_F32));
    machine_json_caches(&j, &c);
    machine_json_timer(&j);
    json_close(&j, '}');
    return output_print(&j);
}

int info_print_kernels(void) {
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
    return output_print(&j);
}

int info_print_choices(const char *text) {
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
    return output_print(&j);
}
