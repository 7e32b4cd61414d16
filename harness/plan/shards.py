"""Which shard of a run measures which layer. Pure: every host with the same arguments gets the same answer.

All launches of a layer stay in one shard, on one device: an interval takes the launches for repetitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

_SLACK = 1.1  # how far over the mean a shard may be for a layer to stay where its hash puts it


def divide(weights: Mapping[str, float], count: int) -> dict[str, int]:
    """The shard, from 1 to ``count``, of each layer; ``weights`` are what layers take, in any unit.

    Consistent hashing with bounded loads: a layer ranks the shards by a hash of both (rendezvous hashing), and goes,
    the heaviest layer first, to the first of them that has room for it; where none has, to the one with the least.
    So loads are about even, and a layer more or less moves few others. No shard is empty where there are layers enough.

    Raises ValueError for a count under 1, and for weights that are no positive numbers.
    """
    if count < 1 or not all(0 < weight < float("inf") for weight in weights.values()):
        raise ValueError(f"no layers to divide by {count}: {dict(weights)}")
    room = _SLACK * sum(weights.values()) / count
    loads = dict.fromkeys(range(1, count + 1), 0.0)
    found: dict[str, int] = {}
    order = sorted(weights, key=lambda layer: (-weights[layer], _hash(layer, 0)))
    for left, layer in zip(range(len(order), 0, -1), order, strict=True):
        empty = [shard for shard, load in loads.items() if load == 0]
        ranked = sorted(empty if len(empty) >= left else loads, key=lambda shard: _hash(layer, shard))
        fitting = (shard for shard in ranked if loads[shard] + weights[layer] <= room)
        chosen = next(fitting, None) or min(ranked, key=lambda shard: loads[shard])
        loads[chosen] += weights[layer]
        found[layer] = chosen
    return {layer: found[layer] for layer in weights}


def blended(estimated: Mapping[str, float], measured: Mapping[str, float]) -> dict[str, float]:
    """What each layer takes: as measured where that is known, else as estimated, on the scale of the measured ones."""
    known = {layer: measured[layer] for layer in estimated if measured.get(layer, 0.0) > 0}
    scale = sum(known.values()) / sum(estimated[layer] for layer in known) if known else 1.0
    return {layer: known.get(layer, scale * seconds) for layer, seconds in estimated.items()}


def _hash(layer: str, shard: int) -> bytes:
    return sha256(f"{layer}\x1f{shard}".encode()).digest()
