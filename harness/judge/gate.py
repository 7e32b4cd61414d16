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


def lacks_baseline(gate: Gate) -> bool:
    """A record of older versions, whose gate knew no temperature to wait for."""
    return gate.baseline is None and gate.tolerance_c is None and not is_unjudged(gate)
