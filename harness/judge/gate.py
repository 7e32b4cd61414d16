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
    def clock(self) -> str | None: ...
    @property
    def plateau(self) -> float | None: ...
    @property
    def learned(self) -> float | None: ...
    @property
    def start(self) -> float | None: ...
    @property
    def baseline(self) -> float | None: ...
    @property
    def tolerance_c(self) -> float | None: ...


def gave_up(gate: Gate) -> bool:
    """The wait ended at its cap, or with the gates' share of the run's time, before the device was cool."""
    return reached_its_cap(gate) or ran_out_of_share(gate)


def reached_its_cap(gate: Gate) -> bool:
    """Of one that gave up: what ended it was the longest wait that a gate may take."""
    return gate.capped or gate.status == "capped"


def ran_out_of_share(gate: Gate) -> bool:
    """Of one that gave up: what ended it was the gates' share of the run's time."""
    return gate.status == "spent"


def is_of_a_cool_device(gate: Gate) -> bool:
    """Nothing changed any more: the clock under load is the one of a cool device, as it is now."""
    return gate.status in ("passed", "settled")


def has_rested_low(gate: Gate) -> bool:
    """The device rested, steady or as the wait ended: the next gates go by the clock it had, though that is lower.

    As ``end`` of native/bench/conductor/gate_rule.c.
    """
    return is_settled_low(gate) or (gate.status == "capped" and gate.learned is not None)


def is_settled_low(gate: Gate) -> bool:
    """The device rested, and its clock under load stayed below the one that it had when it was cool before."""
    return gate.status == "settled"


def is_by_clock_alone(gate: Gate) -> bool:
    """No temperature was to be had: the clock under load decided."""
    return gate.start is None and bool(gate.clock) and gate.status != "stopped"


def has_moved(gate: Gate) -> bool:
    """The device was found to rest elsewhere than a gate before had found."""
    return gate.plateau is not None and gate.learned is not None


def is_unjudged(gate: Gate) -> bool:
    """The cap was too short to see whether the temperature stands still."""
    return gate.status == "unjudged"


def is_blind(gate: Gate) -> bool:
    """Neither a temperature nor a clock was to be had."""
    return gate.status == "unavailable"


def never_had_a_source(gate: Gate) -> bool:
    """Of a blind gate: no source was found, rather than one that failed."""
    return gate.start is None


def is_hotter_than_ever(gate: Gate) -> bool:
    """The device was found to rest at a higher temperature than in any run before."""
    if (
        gate.status != "passed"
        or gate.plateau is not None
        or gate.learned is None
        or gate.baseline is None
        or gate.tolerance_c is None
    ):
        return False
    return gate.learned > gate.baseline + gate.tolerance_c
