/* SPDX-License-Identifier: Apache-2.0
 * The conductor's workers, one a build, and what is known of each variant on each layer: start them, give them layers
 * and variants, have results checked. What goes wrong becomes a record under the variant that it concerns. */
#ifndef CONVBENCH_CREW_H
#define CONVBENCH_CREW_H

#include "emit.h"
#include "peer.h"
#include "plan.h"
#include "record.h"

/* What is known of a unit (a variant whatever its cache mode) on a layer. */
typedef struct {
    bool usable; /* checked and right */
    uint64_t checksum;
    char kernel[64], name[160]; /* name: of the variant in records */
} fact;

typedef struct {
    const plan *p;
    records *out;
    cpu_caches caches;
    peer *peers;                        /* by build */
    char (*builds)[64];                 /* names in records, by build */
    fact *facts;                        /* by layer, unit */
    bool *refused;                      /* by layer, variant: skipped in this cache mode */
    bool *sampled;                      /* by layer, variant: at least once */
    bool measuring, wrong, broken, cut; /* cut: the run was to stop before all was done */
    double patience;                    /* times worker_timeout_s */
    unsigned launch;
    answer a;
} crew;

void crew_begin(crew *c, const plan *p, records *out);
void crew_stop(crew *c); /* ends every worker */
fact *crew_fact(crew *c, unsigned layer, unsigned unit);
subject crew_subject(crew *c, unsigned layer, unsigned variant);

/* One request; the answer is in c->a. */
bool crew_ask(crew *c, peer *p, const char *request);
bool crew_answered(const crew *c, const char *word);
/* An answer of no use: one error record, unless the run is being stopped. Always false. */
bool crew_give_up(crew *c, const subject *s);
void crew_skip(crew *c, const subject *s); /* the answer is a skip: its record */

/* Makes the variant known to its worker, and checks that it still gives the checked result. `again`: its records of
 * this launch are written already. */
bool crew_prepare(crew *c, unsigned layer, unsigned variant, peer **worker, bool again);
/* Checks every unit that some job uses by reference; by NULL: all outputs where that is quick. dump NULL: no files. */
void crew_check_all(crew *c, bool first_launch, const char *by, const char *dump);

#endif
