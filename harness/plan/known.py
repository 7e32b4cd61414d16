"""What earlier attempts at a cluster settled for the rest of the run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from harness.plan.jobs import PlannedVariant
from harness.plan.planfile import KnownLine

# Layer, what was asked for (Asked.name), cache mode ("": every one), threads, program ("": the run's own).
Way = tuple[str, str, str, int, str]


def known_lines(
    layers: Iterable[str],
    variants: Sequence[PlannedVariant],
    calls: Mapping[Way, int],
    excluded: AbstractSet[Way],
    builds: Sequence[Sequence[str]] = (("",),),
) -> list[KnownLine]:
    """A line for each layer and variant of which something is known.

    ``calls``: of a sample; ``excluded``: given up. ``builds``: by number, what records may call that program.
    """
    found = []
    for layer in layers:
        for v in variants:
            ways = [(layer, v.asked.name, v.cache, v.threads, build) for build in builds[v.build]]
            every = {(layer, v.asked.name, "", v.threads, build) for build in builds[v.build]}
            count = next((calls[way] for way in ways if calls.get(way)), 0)
            line = KnownLine(layer, v.index, count, not excluded.isdisjoint([*ways, *every]))
            if line.calls or line.excluded:
                found.append(line)
    return found
