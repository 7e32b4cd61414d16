/* SPDX-License-Identifier: Apache-2.0
 * The protocol's version as a note in the program's file: the host reads it there, before anything is brought to a
 * device (docs/workers.md). As assembly, for then no compiler pads it and no linker leaves it out. */
#include "wire/protocol.h"

#define TEXT(value) #value
#define TEXT_OF(macro) TEXT(macro)

#if defined(__ELF__) /* other files are asked by starting them */

__asm__(".pushsection .note.convbench,\"a\",%note\n"
        "\t.balign 4\n"
        "\t.long 10, 4, 1\n" /* bytes of the owner's name and of the number; type */
        "\t.asciz \"convbench\"\n"
        "\t.balign 4\n"
        "\t.long " TEXT_OF(PROTOCOL_VERSION) "\n\t.popsection\n");

#endif
