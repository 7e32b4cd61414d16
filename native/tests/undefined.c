/* SPDX-License-Identifier: Apache-2.0 */
// The undefined-behaviour sanitizer's handlers, for targets whose compiler would build a second C library for its own:
// each says what happened and ends the program.
#include <stdio.h>
#include <stdlib.h>

#define HANDLER(name)                                                                                                  \
    _Noreturn void __ubsan_handle_##name(void);                                                                        \
    _Noreturn void __ubsan_handle_##name(void) {                                                                       \
        fputs("undefined behaviour: " #name "\n", stderr);                                                             \
        abort();                                                                                                       \
    }

HANDLER(add_overflow_abort)
HANDLER(sub_overflow_abort)
HANDLER(mul_overflow_abort)
HANDLER(negate_overflow_abort)
HANDLER(divrem_overflow_abort)
HANDLER(shift_out_of_bounds_abort)
HANDLER(out_of_bounds_abort)
HANDLER(vla_bound_not_positive_abort)
HANDLER(float_cast_overflow_abort)
HANDLER(load_invalid_value_abort)
HANDLER(invalid_builtin_abort)
HANDLER(nonnull_arg_abort)
HANDLER(nonnull_return_v1_abort)
HANDLER(pointer_overflow_abort)
HANDLER(type_mismatch_v1_abort)
HANDLER(alignment_assumption_abort)
HANDLER(function_type_mismatch_abort)
HANDLER(builtin_unreachable)
HANDLER(missing_return)
