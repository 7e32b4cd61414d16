"""Whether buffers were placed anew for each sample, as they have to be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence


def unmoved(samples: Iterable[tuple[str, str, Sequence[str]]]) -> list[tuple[str, str, int]]:
    """Layer, variant and number of each buffer that lay at one address in all of several samples.

    Samples: layer, variant, and an address for each buffer, empty where there is none. In the order in which the
    buffers were first seen.
    """
    places: dict[tuple[str, str], list[tuple[int, Sequence[str]]]] = defaultdict(list)
    for number, (layer, variant, addresses) in enumerate(samples):
        places[layer, variant].append((number, addresses))
    found: list[tuple[int, int, str, str]] = []
    for (layer, variant), seen in places.items():
        for buffer, column in enumerate(zip(*(addresses for _, addresses in seen), strict=True)):
            if len(set(column) - {""}) == 1 and len(column) - column.count("") > 1:
                first = next(number for number, addresses in seen if addresses[buffer])
                found.append((first, buffer, layer, variant))
    return [(layer, variant, buffer) for _, buffer, layer, variant in sorted(found)]
