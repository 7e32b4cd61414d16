/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/output.h"

#include "wire/exit_codes.h"

#include <stdio.h>

int output_print(json *j) {
    fwrite(j->text, 1, j->length, stdout);
    putchar('\n');
    json_free(j);
    return fflush(stdout) ? EXIT_WORKER : EXIT_DONE;
}
