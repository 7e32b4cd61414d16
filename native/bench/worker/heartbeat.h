/* SPDX-License-Identifier: Apache-2.0
 * A worker's signs of life, so that what is slow (large layers, emulation) is not taken for a hang. None is sent inside
 * a timed window: a long one is announced before it begins. */
#ifndef CONVBENCH_HEARTBEAT_H
#define CONVBENCH_HEARTBEAT_H

void heartbeat_begin(void);       /* a request came in */
void heartbeat(void);             /* alive; sent at most twice a second */
void heartbeat_expect(double ns); /* nothing will be heard for about so long; sent if that is over half a second */

#endif
