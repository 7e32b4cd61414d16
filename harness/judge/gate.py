"""What the record of a heat gate can tell. Temperatures in degrees C, None where unknown."""

from __future__ import annotations

from typing import Protocol


class Gate(Protocol):
    """The fields of a gate's record that are judged."""

    @property
    def status(self) -> str: ...
    @property
    def capped(self) -> bool: ...
    @property
    def learned(self) -> float | None: ...
    @property
    def start(self) -> float | None: ...
    @property
    def baseline(self) -> float | None: ...
    @property
    def tolerance_c(self) -> float | None: ...


def gave_up(gate: Gate) -> bool:
    """The wait ended at its cap."""
    return gate.capped or gate.status == "capped"


def is_unjudged(gate: Gate) -> bool:
    """The cap was too short to see whether the temperature stands still."""
    return gate.status == "unjudged"


def is_blind(gate: Gate) -> bool:
    """No temperature was to be had."""
    return gate.status == "unavailable"


def never_had_a_source(gate: Gate) -> bool:
    """Of a blind gate: no source was found, rather than one that failed."""
    return gate.start is None


def is_hotter_than_ever(gate: Gate) -> bool:
    """The device was found to rest at a higher temperature than in any run before."""
    if gate.status != "passed" or gate.learned is None or gate.baseline is None or gate.tolerance_c is None:
        return False
    return gate.learned > gate.baseline + gate.tolerance_c
