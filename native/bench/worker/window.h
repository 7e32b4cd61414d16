/* SPDX-License-Identifier: Apache-2.0
 * The timed windows of a sample. Between the two readings of the timer there are only calls of the library: in `hot`
 * all calls of the sample lie between them, in `rotate` one call, after the input was touched. */
#ifndef CONVBENCH_WINDOW_H
#define CONVBENCH_WINDOW_H

#include "worker/placement.h"

typedef struct {
    const placement *place;
    bool rotate;
    double least_ns;     /* that a window should last */
    unsigned next;       /* instance whose turn it is */
    const instance *ran; /* the last one that convolved */
    ic_status status;    /* the first failure */
    double call_ns;      /* about what a call takes, 0: unknown */
} window;

typedef struct {
    uint64_t calls, t_ns;
    double ns, total_ns; /* a call; all calls together */
} window_time;

void window_untimed(window *w);    /* one call as the window would do it */
uint64_t window_choose(window *w); /* of hot: calls that last least_ns even if they become a fifth faster */
/* One more untimed call, then the window. */
void window_hot(window *w, uint64_t calls, window_time *t);
/* calls 0: until as many would last least_ns even if a fifth faster; at least 5 (3 where 5 take over 2 s). */
void window_rotate(window *w, uint64_t calls, window_time *t);
/* The copy into the im2col matrix alone, a call, -1 where there is none. `hot`: right after the convolutions, so input
 * and matrix lie in the caches as far as they fit. `rotate`: input touched, the matrix of another instance each time.
 */
double window_copy(window *w, uint64_t calls);
/* Where the instances' layout is not the layer's: bringing the input to it, and an output back; else -1 in both. `hot`:
 * what is read was just read or written; `rotate`: input touched, the output of another instance each time. */
void window_turns(window *w, double *to_nchw_ns, double *to_nhwc_ns);

#endif
