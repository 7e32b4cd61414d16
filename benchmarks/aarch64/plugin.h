/* SPDX-License-Identifier: Apache-2.0
 * The interface of qemu-user's plugins, version 1 (qemu 4.2 to 8), as far as it is used here; Debian ships the emulator
 * without its header. And the marks between which a program is counted: hints that no core heeds. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "marks.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_INLINE_ADD_U64 };
enum { QEMU_PLUGIN_CB_NO_REGS };
enum { QEMU_PLUGIN_MEM_RW = 3 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                                  void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, void (*)(unsigned, uint32_t, uint64_t, void *),
                                             int, int, void *);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern unsigned qemu_plugin_mem_size_shift(uint32_t);
extern bool qemu_plugin_mem_is_store(uint32_t);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

/* The machine code of an instruction. */
static uint32_t word_of(const struct qemu_plugin_insn *insn) {
    uint32_t word;
    memcpy(&word, qemu_plugin_insn_data(insn), sizeof word);
    return word;
}

/* Counters of a program's last stretch between MARK_BEGIN and MARK_END. They are written as "name number" lines, where
 * there are several for each name as "name number number ...". */
enum { MOST_COUNTERS = 64 };

static struct {
    const char *const *names;
    unsigned number, each; /* names, counters of each: counter `i` of name `n` is n + i * number */
    uint64_t now[MOST_COUNTERS], counted[MOST_COUNTERS];
    int ended;
    char out[4096];
} counters;

static void begin_counting(unsigned cpu, void *context) {
    (void)cpu;
    (void)context;
    memset(counters.now, 0, sizeof counters.now);
}

static void end_counting(unsigned cpu, void *context) {
    (void)cpu;
    (void)context;
    memcpy(counters.counted, counters.now, sizeof counters.counted);
    counters.ended = 1;
}

/* Whether the instruction is a mark; it counts for nothing. */
static int heed_mark(struct qemu_plugin_insn *insn, uint32_t word) {
    if (word != MARK_WORD(MARK_BEGIN) && word != MARK_WORD(MARK_END)) {
        return 0;
    }
    qemu_plugin_register_vcpu_insn_exec_cb(insn, word == MARK_WORD(MARK_BEGIN) ? begin_counting : end_counting,
                                           QEMU_PLUGIN_CB_NO_REGS, NULL);
    return 1;
}

static void write_counters(qemu_plugin_id_t id, void *context) {
    (void)id;
    (void)context;
    if (!counters.ended) {
        return; /* the program failed before; what is missing is said by who wants the file */
    }
    FILE *file = fopen(counters.out, "w");
    if (file == NULL) {
        perror(counters.out);
        return;
    }
    for (unsigned i = 0; i < counters.number; i++) {
        fputs(counters.names[i], file);
        for (unsigned j = 0; j < counters.each; j++) {
            fprintf(file, " %" PRIu64, counters.counted[i + j * counters.number]);
        }
        fputc('\n', file);
    }
    fclose(file);
}

/* Value of an argument `name=value`; NULL where it is another one. */
static const char *value_of(const char *argument, const char *name) {
    const size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

/* Takes out=FILE from the arguments and has the counters written there at the end; false where it is missing. */
static int set_up_counters(qemu_plugin_id_t id, const char *const *names, unsigned number, unsigned each, int argc,
                           char **argv) {
    counters.names = names;
    counters.number = number;
    counters.each = each;
    for (int i = 0; i < argc; i++) {
        const char *out = value_of(argv[i], "out");
        if (out != NULL && strlen(out) < sizeof counters.out) {
            strcpy(counters.out, out);
        }
    }
    if (counters.out[0] == '\0') {
        fputs("plugin: out=FILE is missing\n", stderr);
        return 0;
    }
    qemu_plugin_register_atexit_cb(id, write_counters, NULL);
    return 1;
}

#endif
