"""The generator that host and convbench share: seeds and shuffled orders that any machine repeats exactly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def splitmix64(seed: int) -> Iterator[int]:
    """The endless stream of 64-bit numbers of splitmix64."""
    state = seed & _MASK
    while True:
        state = (state + _GOLDEN) & _MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        yield z ^ (z >> 31)


def shuffled(items: Sequence[Item], seed: int) -> list[Item]:
    """Fisher-Yates from the last item down, with splitmix64."""
    result = list(items)
    numbers = splitmix64(seed)
    for i in range(len(result) - 1, 0, -1):
        j = next(numbers) % (i + 1)
        result[i], result[j] = result[j], result[i]
    return result


def derive_seed(seed: int, *parts: str | int) -> int:
    """A 64-bit seed for one part of a run: the same parts always give the same seed, other parts another."""
    text = "\x1f".join([str(seed), *(str(part) for part in parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
