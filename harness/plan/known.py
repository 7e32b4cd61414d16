"""What earlier attempts at a cluster settled for the rest of the run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from harness.plan.jobs import PlannedVariant
from harness.plan.planfile import KnownLine

# Layer, what was asked for (Asked.name), cache mode ("": every one), threads.
Way = tuple[str, str, str, int]


def known_lines(
    layers: Iterable[str], variants: Sequence[PlannedVariant], calls: Mapping[Way, int], excluded: AbstractSet[Way]
) -> list[KnownLine]:
    """A line for each layer and variant of which something is known; ``calls``: of a sample; ``excluded``: given up."""
    found = []
    for layer in layers:
        for v in variants:
            way, every = ((layer, v.asked.name, cache, v.threads) for cache in (v.cache, ""))
            line = KnownLine(layer, v.index, calls.get(way, 0), way in excluded or every in excluded)
            if line.calls or line.excluded:
                found.append(line)
    return found
