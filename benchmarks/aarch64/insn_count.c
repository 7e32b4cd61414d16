/* SPDX-License-Identifier: Apache-2.0
 * Plugin of qemu-user: counts the arm64 instructions that a program executes between its marks, by class, and writes
 * "class number" lines into the file named by out=. */
#include "classify.h"
#include "plugin.h"

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    const size_t count = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        const uint32_t word = word_of(insn);
        if (!heed_mark(insn, word)) {
            qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &counters.now[classify(word)],
                                                       1);
        }
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
    (void)info;
    if (!set_up_counters(id, class_names, CLASSES, 1, argc, argv)) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
