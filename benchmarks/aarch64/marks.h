/* SPDX-License-Identifier: Apache-2.0
 * What a program says to the plugins that count: hints that no core gives a meaning to, so that they do nothing. */
#ifndef MARKS_H
#define MARKS_H

#define MARK_BEGIN 104
#define MARK_END 105

#define MARK_WORD(number) (0xd503201fu | (number) << 5)

#define MARK_TEXT(number) MARK_TEXT_OF(number)
#define MARK_TEXT_OF(number) "hint #" #number

#endif
