/* SPDX-License-Identifier: Apache-2.0
 * The conductor's end of a worker: start it, ask it, notice when it dies or hangs. */
#ifndef CONVBENCH_WORKER_PROCESS_H
#define CONVBENCH_WORKER_PROCESS_H

#include "machine/affinity.h"
#include "wire/fields.h"
#include "wire/lines.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct {
    pid_t pid;  /* 0: not running */
    bool alone; /* it leads a process group of its own, which ends with it */
    lines in;
    int layer;              /* the plan's index of the layer it holds, -1: none */
    unsigned char *created; /* by object, for that layer */
    uint64_t last_ns;       /* when it last answered */
} worker_process;

#define WORKER_COMMAND "worker" /* of a program that is measured, and whose priority is raised */
#define ANSWER_SAID 121         /* room for the beginning of a line, with its end */

typedef enum {
    ASK_ANSWERED,
    ASK_DIED,   /* ended by `signal`, or with an exit status */
    ASK_SILENT, /* no answer in time; killed */
    ASK_STOPPED /* the run is to stop; killed */
} ask_status;

typedef struct {
    ask_status status;
    int signal;    /* 0: none */
    bool external; /* not the variant's doing: killed from outside, or no process to be had */
    char reason[400];
    fields reply;
    char said[ANSWER_SAID]; /* the line's beginning, as it came, where a reason quotes it */
    char line[PROTOCOL_LINE];
} answer;

/* Starts `exe command` (exe "": this program): on those CPUs, and with a process group of its own, so that what it
 * starts ends with it; or (NULL) wherever the conductor is. Reason in a->reason.
 */
bool worker_process_start(worker_process *w, const char *exe, const char *command, const cpu_set *cpus, answer *a);
/* One request, one answer. Unless ASK_ANSWERED, the worker is dead and reaped. */
bool worker_process_ask(worker_process *w, answer *a, double timeout_s, const char *request);
void worker_process_stop(worker_process *w);
/* Its nice value, as the system has it; false where it does not tell. */
bool worker_process_nice(const worker_process *w, int *nice);

#endif
