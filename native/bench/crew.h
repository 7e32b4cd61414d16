/* SPDX-License-Identifier: Apache-2.0
 * The conductor's workers, one a build, and what is known of each variant on each layer: start them, give them layers
 * and variants, have results checked. What goes wrong becomes a record under the variant that it concerns. */
#ifndef CONVBENCH_CREW_H
#define CONVBENCH_CREW_H

#include "fact.h"
#include "peer.h"

typedef struct {
    const plan *p;
    records *out;
    cpu_caches caches;
    peer *peers;                        /* by build */
    char (*builds)[64];                 /* names in records, by build */
    fact *facts;                        /* by layer, unit */
    bool *refused;                      /* by layer, variant: skipped, or crashed or hung, in this cache mode */
    uint64_t *calls;                    /* by layer, variant: of a sample; 0: not chosen yet */
    unsigned *failures;                 /* by build: starts in a row that failed, in this launch */
    bool *hindered;                     /* by build: one of them from outside */
    uint64_t memory;                    /* bytes of one worker */
    uint64_t lost_ns;                   /* on crashes and hangs, and on replacing the worker */
    bool measuring, wrong, broken, cut; /* cut: the run was to stop before all was done */
    bool cpu_gone;                      /* why it was cut */
    double patience;                    /* times worker_timeout_s */
    unsigned launch;
    answer a;
} crew;

void crew_begin(crew *c, const plan *p, records *out);
void crew_stop(crew *c);                    /* ends every worker */
void crew_launch(crew *c, unsigned launch); /* the same, and the next launch begins */
fact *crew_fact(crew *c, unsigned layer, unsigned unit);
identity crew_identity(crew *c, unsigned layer, unsigned variant);

/* One request; the answer is in c->a. allowance_s: beyond the time that a worker may be silent. */
bool crew_ask(crew *c, peer *p, double allowance_s, const char *request);
bool crew_crashed(const crew *c); /* crew_ask failed, because the worker died or hung by its own doing */
bool crew_answered(const crew *c, const char *word);
/* An answer of no use: one error record, unless the run is being stopped. c->a.external says whether the variant had no
 * part in it; where the measured CPU is not to be had, the run is cut. Always false. */
bool crew_give_up(crew *c, const identity *of);
void crew_skip(crew *c, const identity *of); /* the answer is a skip: its record */
/* A sample's output is not the checked one: recorded, and the variant is out. Always false. */
bool crew_wrong(crew *c, unsigned layer, unsigned unit);

/* Makes the variant known to its worker, and checks that it still gives the checked result. `again`: its records of
 * this launch are written already. */
bool crew_prepare(crew *c, unsigned layer, unsigned variant, peer **worker, bool again);
/* Tries a unit on a layer and compares its outputs: by `reference` or `every`. dump NULL: no files. */
bool crew_check(crew *c, unsigned layer, unsigned unit, const char *by, const char *dump);

#endif
