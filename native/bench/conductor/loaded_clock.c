/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/loaded_clock.h"

#include "conductor/stop.h"
#include "machine/affinity.h"
#include "machine/sysfile.h"
#include "machine/process.h"
#include "machine/timer.h"
#include "probes/clock_probe.h"
#include "probes/median.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RAMP_NS UINT64_C(150000000) /* a governor follows the load within its last 30 to 100 ms */
#define MOST_NS UINT64_C(600000000)
#define READINGS 3
#define CURRENT "/scaling_cur_freq"

typedef struct {
    double mhz, says_mhz; /* 0: none */
} answer_of_load;

/* What the system says of this CPU's clock, in MHz; 0 where it does not. */
static double said(const plan *p) {
    for (unsigned i = 0; i < p->watch_count; i++) {
        const plan_watch *w = &p->watches[i];
        size_t length = strlen(w->name), end = sizeof CURRENT - 1;
        double khz;
        if (w->kind == WATCH_FREQUENCY && length >= end && !strcmp(w->name + length - end, CURRENT) &&
            sysfile_number(w->path, 1, &khz) && khz > 0) {
            return khz / 1e3;
        }
    }
    return 0;
}

/* In the process that loads the CPU. Two sets of readings that agree within 1 % end it: the clock has settled. */
static answer_of_load load(const plan *p) {
    answer_of_load a = {0, 0};
    cpu_set here = {{0}};
    char reason[160];
    uint64_t start = timer_ns();
    double before = 0;
    unsigned unbelieved = 0;
    cpu_set_put(&here, p->cpu, true);
    if (!affinity_set(&here)) {
        return a;
    }
    while (timer_ns() - start < MOST_NS) {
        double mhz[READINGS];
        unsigned count = 0;
        for (unsigned i = 0; i < READINGS; i++) {
            clock_reading reading = clock_probe();
            if (!p->gate.probes_nothing && clock_believable(reading, p->max_khz, reason, sizeof reason)) {
                mhz[count++] = reading.mhz;
            }
        }
        if (timer_ns() - start < RAMP_NS) {
            continue;
        }
        a.says_mhz = said(p);
        a.mhz = count == READINGS ? median(mhz, count) : 0;
        unbelieved = a.mhz > 0 ? 0 : unbelieved + 1;
        if (unbelieved == 2) {
            break;
        }
        if (before > 0 && a.mhz > 0 && fabs(a.mhz / before - 1) <= 0.01) {
            break;
        }
        before = a.mhz;
    }
    return a;
}

loaded_clock loaded_clock_read(const plan *p) {
    loaded_clock found = {(double)NAN, ""};
    answer_of_load a;
    int ends[2];
    if (!process_pipe(ends)) {
        return found;
    }
    pid_t pid = fork();
    if (pid == 0) {
        stop_unblock();
        a = load(p);
        ssize_t written = write(ends[1], &a, sizeof a);
        _exit(written != sizeof a);
    }
    close(ends[1]);
    /* Under emulation a probe takes many times as long. */
    bool told = pid > 0 && stop_wait(ends[0], timer_ns() + 10 * MOST_NS) && read(ends[0], &a, sizeof a) == sizeof a;
    close(ends[0]);
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    if (told && a.mhz > 0) {
        found = (loaded_clock){a.mhz, "probe"};
    } else if (told && a.says_mhz > 0) {
        found = (loaded_clock){a.says_mhz, "cpufreq"};
    }
    return found;
}
