/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/probe.h"

#include "commands/output.h"
#include "machine/affinity.h"
#include "probes/clock_probe.h"
#include "probes/memcpy_probe.h"
#include "probes/peak_probe.h"
#include "wire/exit_codes.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int probe_print(void) {
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
    return output_print(&j);
}

int probe_print_memcpy(size_t source_bytes, size_t total_bytes, int cpu) {
    json j = {0};
    cpu_set set = {0};
    double ns;
    if (cpu >= 0) {
        cpu_set_put(&set, cpu, true);
    }
    if (cpu >= 0 && !affinity_set(&set)) {
        fprintf(stderr, "convbench: cannot run on CPU %d: %s\n", cpu, errno ? strerror(errno) : "not allowed");
        return EXIT_BAD_PLAN;
    }
    if (!memcpy_probe(source_bytes, total_bytes, &ns)) {
        fputs("convbench: too little memory for this copy\n", stderr);
        return EXIT_BAD_PLAN;
    }
    json_open(&j, NULL, '{');
    json_number(&j, "memcpy_ns", ns);
    json_size(&j, "source_bytes", source_bytes);
    json_size(&j, "total_bytes", total_bytes);
    json_close(&j, '}');
    return output_print(&j);
}
