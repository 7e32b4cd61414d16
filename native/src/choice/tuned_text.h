/* SPDX-License-Identifier: Apache-2.0
 * The text of a tuned table:
 *
 *   indirectconv-tuned 2 0.2.0 x86:AuthenticAMD:25:17:1:avx2,fma       format, library, core
 *   layer type=f32 layout=nhwc kh=3 kw=3 ... h=56 w=56 threads=1 indirect_avx2_6x16+regions
 *   end 1 9ae16a3b2f90404f                                             entries, FNV-1a of every byte before
 *
 * There is one way to write a table (tuned_print.c), and what is written otherwise is refused (tuned_load.c). Format 1
 * named neither type nor layout. */
#ifndef IC_TUNED_TEXT_H
#define IC_TUNED_TEXT_H

#include "choice/tuned.h"

#include <stddef.h>
#include <stdint.h>

enum { IC_TUNED_NUMBER = 24 }; /* room for a number or a version, with its end */

#define IC_TUNED_FORMAT_NAME "indirectconv-tuned "
#define IC_TUNED_FORMAT "2"
#define IC_TUNED_HASH_START UINT64_C(0xcbf29ce484222325)

extern const char *const ic_tuned_key_names[IC_TUNED_FIELDS]; /* " kh=" */

uint64_t ic_tuned_hash(const char *text, size_t bytes, uint64_t hash);
void ic_tuned_library_version(char version[IC_TUNED_NUMBER]);

#endif
