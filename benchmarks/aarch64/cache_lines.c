/* SPDX-License-Identifier: Apache-2.0
 * Plugin of qemu-user: simulates an L1 data cache and an L2 cache for all that a program loads and stores, and counts
 * what goes through them between the program's marks. Several pairs of caches may be simulated at once; they do not
 * know of each other.
 *
 *   core=L1_BYTES:L1_WAYS:L2_BYTES:L2_WAYS:LINE_BYTES [core=...] out=FILE
 *
 * Addresses are the program's own. Instruction fetches and prefetches are not seen, nor what the kernel copies. `dc
 * zva` is not seen either, so it is counted: a program that zeroes memory by it is not simulated right. */
#include "cache.h"
#include "plugin.h"

static const char *const names[] = {[L1_LOADS] = "l1_loads", [L1_STORES] = "l1_stores", [L1_WRITTEN] = "l1_written",
                                    [L2_LOADS] = "l2_loads", [L2_STORES] = "l2_stores", [L2_WRITTEN] = "l2_written",
                                    [FLOWS] = "unseen"};
enum { NAMES = FLOWS + 1, MOST_CORES = MOST_COUNTERS / NAMES };

static struct {
    cache l1, l2;
    unsigned line_shift;
} cores[MOST_CORES];
static unsigned core_count;

static void accessed(unsigned cpu, uint32_t info, uint64_t address, void *context) {
    (void)cpu;
    (void)context;
    const unsigned is_store = qemu_plugin_mem_is_store(info);
    const uint64_t end = address + (UINT64_C(1) << qemu_plugin_mem_size_shift(info)) - 1;
    for (unsigned i = 0; i < core_count; i++) {
        const uint64_t last = end >> cores[i].line_shift;
        for (uint64_t line = address >> cores[i].line_shift; line <= last; line++) {
            access_line(&cores[i].l1, &cores[i].l2, line, is_store, counters.now + (size_t)i * NAMES);
        }
    }
}

static int is_zeroing(uint32_t word) {
    return (word & 0xffffffe0u) == 0xd50b7420u; /* dc zva */
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    const size_t count = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        const uint32_t word = word_of(insn);
        if (heed_mark(insn, word)) {
            continue;
        }
        for (unsigned core = 0; is_zeroing(word) && core < core_count; core++) {
            qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                       &counters.now[core * NAMES + FLOWS], 1);
        }
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    }
}

/* Makes a core of what follows core=; false where that is none. */
static int add_core(const char *text) {
    uint64_t numbers[5] = {0};
    for (int i = 0; i < 5; i++) {
        char *end;
        numbers[i] = strtoull(text, &end, 10);
        if (end == text || *end != (i < 4 ? ':' : '\0')) {
            return 0;
        }
        text = end + 1;
    }
    if (core_count == MOST_CORES || !is_power_of_two(numbers[4]) ||
        !make_cache(&cores[core_count].l1, numbers[0], numbers[1], numbers[4]) ||
        !make_cache(&cores[core_count].l2, numbers[2], numbers[3], numbers[4])) {
        return 0;
    }
    while (UINT64_C(1) << cores[core_count].line_shift < numbers[4]) {
        cores[core_count].line_shift++;
    }
    core_count++;
    return 1;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        const char *core = value_of(argv[i], "core");
        if (core != NULL && !add_core(core)) {
            fprintf(
                stderr,
                "cache_lines: core=%s: wants L1_BYTES:L1_WAYS:L2_BYTES:L2_WAYS:LINE_BYTES, sets and lines powers of "
                "two, at most %d cores\n",
                core, MOST_CORES);
            return 1;
        }
    }
    if (core_count == 0) {
        fputs("cache_lines: core=L1_BYTES:L1_WAYS:L2_BYTES:L2_WAYS:LINE_BYTES is missing\n", stderr);
        return 1;
    }
    if (!set_up_counters(id, names, NAMES, core_count, argc, argv)) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
