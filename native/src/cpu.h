/* SPDX-License-Identifier: Apache-2.0
 * Features of the running CPU, as IC_CPU_* bits; only those that the operating system lets programs use. */
#ifndef IC_CPU_H
#define IC_CPU_H

unsigned ic_cpu_detect(void);

#endif
