"""What a battery's counters tell of the energy that a device took: best effort, with a reason where they tell nothing.

Counters come as a device shows them. Kernels are to count in microampere, microvolt and microampere-hour
(Documentation/ABI/testing/sysfs-class-power); phones also count in thousandths, and their signs differ.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEAST_READINGS = 10
_VOLTS = (2.5, 10.0)  # of one cell, or two in series
_LEAST_RAW_CURRENT = 20_000  # a phone under load takes 20 mA to 20 A: less must be milliampere
_LEAST_RAW_CHARGE = 50_000  # batteries hold 50 mAh to 50 Ah: less must be milliampere-hour
_LONGEST_GAP_S = 10.0
_LEAST_STEPS = 10  # of the charge counter, so that one more or less is a tenth
_MOST_APART = 2.0  # the two ways of counting; wrong units are further


@dataclass(frozen=True)
class Energy:
    """``joules`` over ``seconds``, by the counter ``source``; None with the ``reason`` where it cannot be told."""

    joules: float | None = None
    seconds: float = 0.0
    source: str = ""
    reason: str = ""

    @property
    def watts(self) -> float | None:
        """The mean power."""
        return self.joules / self.seconds if self.joules is not None and self.seconds > 0 else None


@dataclass(frozen=True)
class Reading:
    """What the battery's files said at a time in seconds, by their names; texts from a device."""

    at_s: float
    texts: Mapping[str, str]


def energy_of(readings: Sequence[Reading]) -> Energy:
    """What was taken between the first and the last reading, which are in order. Pure."""
    if (reason := _refusal(readings)) is not None:
        return Energy(reason=reason)
    volts = _volts(_numbers(readings, "voltage_now"))
    if volts is None:
        return Energy(reason="voltage_now tells no voltage of a battery")
    seconds = readings[-1].at_s - readings[0].at_s
    by_charge = _by_charge(_numbers(readings, "charge_counter"), volts)
    by_current, why = _by_current(_numbers(readings, "current_now"), volts)
    if by_current is None and by_charge is None:
        return Energy(reason=f"{why}, and charge_counter did not move far enough")
    if by_current is None:
        return Energy(by_charge, seconds, "charge_counter")
    if by_charge is not None and not 1 / _MOST_APART <= by_current / by_charge <= _MOST_APART:
        return Energy(reason=f"current_now ({by_current:.3g} J) and charge_counter ({by_charge:.3g} J) disagree")
    return Energy(by_current, seconds, "current_now")


def _refusal(readings: Sequence[Reading]) -> str | None:
    """Why nothing can be told of these readings, whatever the counters say."""
    if not any(reading.texts for reading in readings):
        return "the device shows no counters of a battery"
    states = {reading.texts.get("status", "").strip() for reading in readings}
    if states != {"Discharging"}:
        told = ", ".join(sorted(state[:20] or "not known" for state in states))
        return f"the battery's state was {told}: what a cable feeds its counters do not tell"
    if len(readings) < LEAST_READINGS:
        return f"the battery was read {len(readings)} times, {LEAST_READINGS} are needed"
    return None


_Numbers = list[tuple[float, float]]  # time in seconds, value


def _numbers(readings: Sequence[Reading], name: str) -> _Numbers:
    """The readings of one file that are numbers."""
    found = []
    for reading in readings:
        try:
            value = int(reading.texts.get(name, "").strip())
        except ValueError:
            continue
        if abs(value) < 10**12:
            found.append((reading.at_s, float(value)))
    return found


def _volts(raw: _Numbers) -> float | None:
    values = [abs(value) for _, value in raw]
    if not values:
        return None
    middle = statistics.median(values)
    return next((middle * scale for scale in (1e-6, 1e-3, 1.0) if _VOLTS[0] <= middle * scale <= _VOLTS[1]), None)


def _by_current(raw: _Numbers, volts: float) -> tuple[float | None, str]:
    """Joules, or why there are none."""
    values = [abs(value) for _, value in raw]
    if len(values) < LEAST_READINGS or not any(values):
        return None, "current_now cannot be read"
    if len(set(values)) == 1:
        return None, "current_now said the same all the time"
    scale = 1e-6 if statistics.median(values) >= _LEAST_RAW_CURRENT else 1e-3
    joules = 0.0
    for (begin, before), (end, after) in itertools.pairwise(raw):
        if end - begin > _LONGEST_GAP_S:
            return None, f"current_now was not read for {end - begin:.0f} s"
        joules += (abs(before) + abs(after)) / 2 * scale * volts * (end - begin)
    return joules, ""


def _by_charge(raw: _Numbers, volts: float) -> float | None:
    """Joules; None where the counter did not move far enough to tell, or not downwards."""
    values = [value for _, value in raw]
    if len(set(values)) <= _LEAST_STEPS or values[-1] >= values[0]:
        return None
    scale = 1e-6 if abs(statistics.median(values)) >= _LEAST_RAW_CHARGE else 1e-3
    return (values[0] - values[-1]) * scale * 3600 * volts
