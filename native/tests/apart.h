/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IC_APART_H
#define IC_APART_H

/* Strides, dilations and padding as large as they can be. */
void apart(const char *kernel);

#endif
