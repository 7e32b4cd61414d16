/* SPDX-License-Identifier: Apache-2.0
 * A data cache and the one behind it: sets, ways, the least recently used line makes room. Lines are written back when
 * they make room; a store fetches its line first. Neither cache holds on to what the other one has. */
#ifndef CACHE_H
#define CACHE_H

#include <stdint.h>
#include <stdlib.h>

/* Of each set the ways from the line used last to the one used least recently: number of the line, then whether it was
 * written to in the lowest bit. */
typedef struct {
    uint64_t *ways_of_sets;
    uint64_t sets;
    unsigned ways;
} cache;

static const uint64_t no_line = UINT64_MAX;

static int is_power_of_two(uint64_t number) {
    return number != 0 && (number & (number - 1)) == 0;
}

/* False where the sizes make no cache. */
static int make_cache(cache *made, uint64_t bytes, uint64_t ways, uint64_t line_bytes) {
    if (ways == 0 || ways > 1024 || line_bytes == 0 || bytes % (ways * line_bytes) != 0 ||
        !is_power_of_two(bytes / (ways * line_bytes))) {
        return 0;
    }
    *made = (cache){.sets = bytes / (ways * line_bytes), .ways = (unsigned)ways};
    made->ways_of_sets = malloc(made->sets * ways * sizeof(uint64_t));
    for (uint64_t i = 0; made->ways_of_sets != NULL && i < made->sets * ways; i++) {
        made->ways_of_sets[i] = no_line;
    }
    return made->ways_of_sets != NULL;
}

/* Makes the line the one used last, written to if `is_written`. Whether it was there; if not, *gone is the entry that
 * made room, maybe no_line. */
static inline int use_line(const cache *c, uint64_t line, unsigned is_written, uint64_t *gone) {
    uint64_t *ways = c->ways_of_sets + (line & (c->sets - 1)) * c->ways;
    uint64_t next = line << 1 | is_written;
    if (ways[0] >> 1 == line) { /* most of the time; the loop would do the same */
        ways[0] |= is_written;
        return 1;
    }
    for (unsigned way = 0; way < c->ways; way++) {
        const uint64_t here = ways[way];
        ways[way] = next;
        if (here >> 1 == line) {
            ways[0] |= here & 1;
            return 1;
        }
        next = here;
    }
    *gone = next;
    return 0;
}

static inline int must_write_back(uint64_t gone) {
    return gone != no_line && (gone & 1) != 0;
}

/* What goes through: lines that the first cache and the second one fetch, for loads and for stores, and write back. */
enum { L1_LOADS, L1_STORES, L1_WRITTEN, L2_LOADS, L2_STORES, L2_WRITTEN, FLOWS };

static inline void access_line(const cache *l1, const cache *l2, uint64_t line, unsigned is_store,
                               uint64_t flows[FLOWS]) {
    uint64_t gone, gone_from_l2;
    if (use_line(l1, line, is_store, &gone)) {
        return;
    }
    flows[L1_LOADS + is_store]++;
    if (!use_line(l2, line, 0, &gone_from_l2)) {
        flows[L2_LOADS + is_store]++;
        flows[L2_WRITTEN] += must_write_back(gone_from_l2);
    }
    if (must_write_back(gone)) {
        flows[L1_WRITTEN]++;
        if (!use_line(l2, gone >> 1, 1, &gone_from_l2)) {
            flows[L2_WRITTEN] += must_write_back(gone_from_l2);
        }
    }
}

#endif
