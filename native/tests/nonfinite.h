/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IC_NONFINITE_H
#define IC_NONFINITE_H

/* What is not finite goes where the header says, and nowhere else. */
void nonfinite(const char *kernel);

#endif
