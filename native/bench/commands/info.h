/* SPDX-License-Identifier: Apache-2.0
 * `convbench info`: the program, its kernels, the machine, and what auto would choose. All return an exit code. */
#ifndef CONVBENCH_INFO_H
#define CONVBENCH_INFO_H

int info_print(int cpu); /* whose caches; below 0: those of the first CPU that may be used */
int info_print_kernels(void);
int info_print_choices(const char *midr); /* on the arm64 core with this MIDR_EL1, for the panel's layers */

#endif
