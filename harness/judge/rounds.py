"""Which rounds lack samples, and which samples have no partner in their process."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

# Of a sample: layer, launch, variant, cache, build, threads, round.
SAMPLE = ("layer", "launch", "variant", "cache", "build", "threads", "round")


def too_few(valid: int, total: int, least: int) -> bool:
    """So little is left of what was measured that nothing is to be said: under ``least``, and under half of it."""
    return valid < least and 2 * valid < total


def short_of_rounds(samples: Iterable[tuple[Any, ...]]) -> set[tuple[str, str]]:
    """Layer and variant where rounds are missing that other variants of the layer and launch have."""
    rounds = Counter(key[:-1] for key in set(samples))
    most: Counter[tuple[str, int]] = Counter()
    for (layer, launch, *_), count in rounds.items():
        most[layer, launch] = max(most[layer, launch], count)
    return {(key[0], key[2]) for key, count in rounds.items() if count < most[key[0], key[1]]}


def measured_apart(attempts: Sequence[Iterable[tuple[Any, ...]]]) -> Counter[tuple[str, str, int]]:
    """How many samples of a layer, variant and launch another attempt took than that of most of their round.

    Pairs are made within one process, so these are in no ratio with the others of their round.
    """
    if len(attempts) < 2:
        return Counter()
    rounds: dict[tuple[Any, ...], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for number, samples in enumerate(attempts):
        for layer, launch, variant, *rest in samples:
            rounds[layer, launch, *rest][number].add(variant)
    apart: Counter[tuple[str, str, int]] = Counter()
    for (layer, launch, *_), variants_of in rounds.items():
        together = max(variants_of.values(), key=len)
        for variants in variants_of.values():
            if variants is not together:
                apart.update((layer, variant, launch) for variant in variants)
    return apart
