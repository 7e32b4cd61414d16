/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pressure.h"

#include "probes/peak_probe.h"

void pressure_read(pressure *p, uint64_t llc, size_t most) {
    if (!p->opened) {
        read_probe_open(&p->read, llc, most);
    }
    p->opened = true;
}

void pressure_take(pressure *p, bool reads, double *gflops, double *gbps) {
    *gbps = reads ? read_probe_gbps(&p->read) : -1;
    *gflops = peak_gflops_now();
}
