/* SPDX-License-Identifier: Apache-2.0
 * This program: what it was built from, and its process. */
#ifndef CONVBENCH_PROGRAM_H
#define CONVBENCH_PROGRAM_H

#include <stdint.h>

const char *program_version(void);  /* of the library, and so of convbench: "0.2.0" */
const char *program_compiler(void); /* name and version */
const char *program_flags(void);    /* that all files were compiled with */
const char *program_abi(void);      /* as Android calls it: "arm64-v8a" */
/* Of its own file, or "unknown": 40 hex digits from the note of an ELF file, 32 from the UUID of a Mach-O file. */
const char *program_build_id(void);

#endif
