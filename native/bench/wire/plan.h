/* clang-format off */
/* SPDX-License-Identifier: Apache-2.0
 * The plan file: what to measure, written by the host. UTF-8, one line a thing: `word key=value ...` with one space
 * between fields and values percent-encoded (space, %, control characters); `#` comments and blank lines are allowed.
 * Things are defined above the lines that use them.
 *
 *   convbench-plan 2       the first line
 *   run                    id cluster attempt cpu [cpus] [conductor_cpus] deadline_s tool
 *       cpu                is measured; the conductor stays on conductor_cpus (empty: anything but cpus)
 *       cpus               a list, cpu in it: where variants of several threads have them, on cpu and then the lowest
 *                          others; empty: cpu alone
 *       deadline_s         the plan's latest end
 *   measure                min_ns budget_s launches memory_bytes settle_ms settle_cold_ms worker_timeout_s llc_bytes
 *                          [duty fill=0|1]
 *       budget_s           of a layer over all launches; a launch gets budget_s / launches
 *       launches           of the whole run, also where this plan holds only what was left of them
 *       memory_bytes       of a worker's data at most; less where the system has less
 *       settle_cold_ms     the cap where the measured CPU ran nothing of ours for over 20 ms
 *       worker_timeout_s   the longest silence, beyond what a worker announced
 *       duty               over 0 to 1: the share of the time that samples take, pauses behind them take the rest; 1
 *       llc_bytes          0: as sysfs says
 *       fill               rounds go on until the budget is spent; else none begins that would not fit into it
 *   gate                   kind=none|file|battery source path scale plateau_c baseline_c tolerance_c cap_s window_s
 *                          slope_c [look_s look_c cool_mhz hint_mhz share launch_s credit_s clock=probe|system]
 *                          once before each launch; passes with the cool clock at plateau_c + tolerance_c.
 *                          plateau_c=unknown: the first one learns it when the temperature falls by less than slope_c
 *                          from half to half of window_s, or by less than look_c in look_s where the clock is cool
 *       baseline_c         the hottest plateau of earlier runs, or unknown: for the record alone
 *       cool_mhz           the clock under load when cool, of earlier in this run; hint_mhz: of earlier runs; or unknown
 *       share              of the run's time that gates may take, 0 to 1 (1: no bound); credit_s: so many seconds more
 *       launch_s           what the first launch will take, about
 *       clock              under load: probe, and what the system says where that cannot be believed; system: that
 *                          alone, since the CPU is emulated and the probe would time the host
 *   watch                  kind=freq|temp|states|text name path [scale]
 *                          read between samples | between rounds | around each round: cpufreq's time_in_state | between
 *                          rounds, as it stands there
 *   ask                    name argv keep every_s
 *                          a program whose output is on record at each launch, at the end, and between jobs every every_s
 *       argv, keep         separated by commas; of the output the first line that begins with each of keep
 *   max_khz                khz: the highest frequency that the system names for this CPU
 *   tuned                  path: a tuned table for algorithm=auto; where it does not fit, the model chooses
 *   build                  index exe name [foreign=0|1] [absent]
 *                          exe empty: this program; name empty: the build id's first 12 digits
 *       foreign            somebody else's program that speaks protocol.h: name is what its rows are called,
 *                          [A-Za-z0-9_.-]{1,31}, and none of ours
 *       absent             the reason why a foreign program is not there (exe empty): its variants are skipped with it
 *   variant                index algorithm schedule face=published|best build cache=hot|rotate threads label
 *                          [placement=own|shared]
 *       algorithm          naive, im2col, im2col-nchw, direct, indirect, fft, or auto: the library chooses
 *                          (schedule=default); of a foreign
 *                          build: its name, with schedule=default face=best and no label
 *       schedule           default: as published, with the default kernel; default+OPTIONS: that kernel with these
 *                          options; best: chosen by layer and core; or one by its name, KERNEL or KERNEL+OPTIONS
 *                          (indirectconv.h)
 *       threads            that share a call, 1 to as many as the run has cpus
 *       face               of the report; nothing but names follows from it
 *       label              empty: called as conductor/variant.h says
 *       placement          of its buffers. own: drawn for each sample; shared: for each round, the same for all variants
 *                          that share it, as far as they ask for buffers of the same size in the same order
 *   layer                  name type=f32 layout=nhwc h w kh kw pt pr pb pl sh sw dh dw groups batch cin cout min max
 *                          (layer_keys.inc.h)
 *   known                  layer variant calls excluded=0|1
 *                          from an earlier part of the run: calls of a sample (0: to be chosen); excluded: never tried
 *   job                    launch layer seed rounds variants=0,1,... done=ROUND.POSITION,... first_round
 *                          run in this order, grouped by launch; a round's order: prng_round_order; done: measured
 *                          before, left out
 */
/* clang-format on */
#ifndef CONVBENCH_PLAN_H
#define CONVBENCH_PLAN_H

#include "machine/affinity.h"
#include "wire/layer.h"

#include <stdint.h>

#define PLAN_PROGRAM 32 /* room for a foreign program's name, with its end */

typedef struct {
    char *exe, *name; /* "" : this program; named by its build id */
    bool foreign;     /* somebody else's program */
    char *absent;     /* why it is not there; NULL: it is */
} plan_build;

typedef struct {
    const char *program; /* a foreign one's name; NULL: ours, which runs `algorithm` */
    ic_algorithm algorithm;
    ic_layout layout;  /* of its input and output; the layer's data are nhwc */
    char schedule[64]; /* as it was asked for */
    bool is_best;      /* the face */
    unsigned build, threads;
    bool rotate;
    char label[64]; /* "": none */
    bool shares_placement;
    unsigned object; /* first variant that differs in `cache` at most: they share checks and objects */
} plan_variant;

typedef struct {
    unsigned launch, layer, rounds, first_round;
    uint64_t seed;
    unsigned *variants, variant_count;
    uint64_t *done; /* round << 32 | position */
    unsigned done_count;
} plan_job;

typedef struct {
    unsigned layer, variant;
    uint64_t calls; /* 0: not chosen */
    bool excluded;
} plan_known;

typedef enum { GATE_NONE, GATE_FILE, GATE_BATTERY } gate_kind;

typedef struct {
    gate_kind kind;
    char *source, *path;
    double scale, plateau_c, baseline_c, tolerance_c, cap_s, window_s, slope_c; /* NaN: unknown */
    double look_s, look_c, cool_mhz, hint_mhz, share, launch_s, credit_s;
    bool probes_nothing; /* the clock: what the system says alone */
} plan_gate;

/* kHz; degrees C; ms by kHz; as it is */
typedef enum { WATCH_FREQUENCY, WATCH_TEMPERATURE, WATCH_STATES, WATCH_TEXT } watch_kind;

typedef struct {
    watch_kind kind;
    char *name, *path;
    double scale;
} plan_watch;

typedef struct {
    char *name, *argv, *keep;
    double every_s;
} plan_ask;

typedef struct {
    char *run_id, *cluster, *conductor_cpus, *tool;
    char *tuned; /* NULL: none */
    unsigned attempt;
    int cpu;
    cpu_set cpus; /* cpu among them */
    double deadline_s;
    uint64_t min_ns, memory_bytes, settle_ns, settle_cold_ns, llc_bytes, max_khz;
    double budget_s, worker_timeout_s, duty;
    bool fill;
    unsigned launches; /* of the whole run; this plan may hold fewer */
    plan_gate gate;
    plan_watch *watches;
    plan_ask *asks;
    plan_build *builds;
    plan_variant *variants;
    layer_shape *layers;
    plan_job *jobs;
    plan_known *knowns;
    unsigned watch_count, ask_count, build_count, variant_count, layer_count, job_count, known_count;
    char hash[65]; /* SHA-256 of the file */
    const char *path;
} plan;

/* Reads and checks PATH. On a fault prints `plan line N: reason` to stderr and returns false. Lives until exit. */
bool plan_read(plan *p, const char *path);

#endif
