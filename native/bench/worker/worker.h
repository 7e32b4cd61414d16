/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONVBENCH_WORKER_H
#define CONVBENCH_WORKER_H

int worker_main(void); /* speaks protocol.h on PROTOCOL_FD until its end */

#endif
