"""Every condition of a device: which were found, and which cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from harness.control.conditions import battery, cores, facts, modes, sensors, storage
from harness.control.conditions.facts import Facts
from harness.control.conditions.known import NotKnown
from harness.devices.base import Device
from harness.model.condition import Condition

F = TypeVar("F")

CHECKS: Mapping[str, Callable[[Facts], Condition | None]] = {
    "EMULATED": modes.emulated,
    "LOW_BATTERY": battery.low_battery,
    "HOT": battery.hot,
    "CHARGING": battery.charging,
    "LOW_POWER_MODE": modes.low_power_mode,
    "THERMAL_OVERRIDE": sensors.thermal_override,
    "THERMAL_FROZEN": sensors.thermal_frozen,
    "THERMAL_UNKNOWN": sensors.thermal_unknown,
    "PAGE_SIZE": cores.page_size,
    "CORES_OFFLINE": cores.cores_offline,
    "CORES_FORBIDDEN": cores.cores_forbidden,
    "NO_AFFINITY": cores.no_affinity,
    "GAME_MODE": modes.game_mode,
    "SCREEN": modes.screen,
    "WORK_FOLDER": storage.work_folder,
    "QUARANTINED": storage.quarantined,
    "LITTLE_SPACE": storage.little_space,
    "ORPHANS": storage.orphans,
    "PENDING_SETTINGS": storage.pending_settings,
    "JOURNAL_DAMAGED": storage.journal_damaged,
    "QUARANTINE_DAMAGED": storage.quarantine_damaged,
}
_ALIKE = 8  # devices are asked at the same time


@dataclass(frozen=True)
class Diagnosis:
    """Conditions in the order of the table; by name why others are not known; who holds the device, if it is in use."""

    conditions: Sequence[Condition] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
    in_use: str = ""

    def stopping(self, allowed: Collection[str] = ()) -> list[Condition]:
        """Those that keep the device from being measured."""
        return [each for each in self.conditions if each.kind.stops and each.name not in allowed]

    @property
    def stamps(self) -> list[Condition]:
        """Those that numbers measured under them are stamped with."""
        return [each for each in self.conditions if each.kind.about == "numbers"]

    @property
    def remarks(self) -> list[Condition]:
        """Those that the work has to know of, and the numbers do not."""
        return [each for each in self.conditions if each.kind.about == "work"]

    def words_of_unknown(self) -> list[str]:
        """The names that are not known, those with one reason together."""
        by_reason: dict[str, list[str]] = {}
        for name, why in self.unknown.items():
            by_reason.setdefault(why, []).append(name)
        return [f"{', '.join(names)} not known: {why}" for why, names in by_reason.items()]


def judged(facts: F, checks: Mapping[str, Callable[[F], Condition | None]]) -> Diagnosis:
    """What those checks find in the facts. Pure."""
    conditions, unknown = [], {}
    for name, check in checks.items():
        try:
            found = check(facts)
        except NotKnown as not_known:
            unknown[name] = not_known.why
        else:
            conditions += [found] if found is not None else []
    return Diagnosis(tuple(conditions), unknown)


def diagnose(
    devices: Sequence[Device], *, thorough: bool = False, held: bool = False, own: str = ""
) -> list[Diagnosis]:
    """What each of the devices has, asked at the same time; ``thorough``, ``held`` and ``own`` as in facts.read."""

    def one(device: Device) -> Diagnosis:
        known = facts.read(device, thorough=thorough, held=held, own=own)
        return replace(judged(known, CHECKS), in_use=known.in_use)

    if not devices:
        return []
    with ThreadPoolExecutor(max_workers=min(len(devices), _ALIKE), thread_name_prefix="doctor") as pool:
        return list(pool.map(one, devices))
