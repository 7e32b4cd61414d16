"""Where a device's heat can be read: thermal zones that move under load, else the battery, else nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.devices.base import Device

_ZONES = "/sys/class/thermal"
_BATTERY = "/sys/class/power_supply/battery/temp"
_RISE_C = 0.3  # a zone that rises less under load tells nothing about the CPU
_LOWEST_C, _HIGHEST_C = 1.0, 130.0  # outside: a sensor that is off (0, -40, -273) or counts something else


@dataclass(frozen=True)
class HeatSource:
    """A temperature that convbench can read: a file with its scale to degrees C, or ``dumpsys battery``."""

    name: str
    kind: str  # "file", "battery" or "none"
    path: str = ""
    scale: float = 1.0
    temperature: float | None = None  # degrees C when it was found


@dataclass(frozen=True)
class Rest:
    """The temperatures, in degrees C, at which a device stays when it has nothing to do; None: not known."""

    today_c: float | None = None  # learned in this run, where a launch may start
    hottest_c: float | None = None  # of all runs before, to tell how this one differs


NOWHERE = HeatSource("", "none")


@dataclass(frozen=True)
class Heat:
    """All that is known of a device's heat: the source that its gates go by, its other zones by path, its rest."""

    source: HeatSource = NOWHERE
    zones: Mapping[str, HeatSource] = field(default_factory=dict)
    rest: Rest = Rest()

    @property
    def is_known(self) -> bool:
        """Whether there is a source."""
        return self.source.kind != "none"


def celsius_scale(raw: float) -> float | None:
    """The factor from a raw reading to degrees C: units differ by phone (1, 0.1 or 0.001); None where none fits."""
    for scale in (0.001, 0.1, 1.0):
        if abs(raw) * scale >= 10 and _LOWEST_C <= raw * scale <= _HIGHEST_C:
            return scale
    return 1.0 if _LOWEST_C <= raw <= _HIGHEST_C else None


def read_zones(device: Device) -> dict[str, HeatSource]:
    """All plausible thermal zones by path, in one round trip. Types repeat, so a name carries the zone's number."""
    zones = [z for z in device.list_dir(_ZONES) if re.fullmatch(r"thermal_zone[0-9]+", z)]
    paths = [f"{_ZONES}/{zone}/{leaf}" for zone in zones for leaf in ("type", "temp")]
    files = device.read_files(paths) if paths else {}
    found = {}
    for zone in zones:
        path = f"{_ZONES}/{zone}/temp"
        raw = _number(files.get(path))
        scale = None if raw is None else celsius_scale(raw)
        if raw is not None and scale is not None:
            kind = re.sub(
                r"[^A-Za-z0-9._-]", "_", (files.get(f"{_ZONES}/{zone}/type") or b"").decode("utf-8", "replace").strip()
            )
            name = f"{kind or 'zone'}:{zone.removeprefix('thermal_zone')}"
            found[path] = HeatSource(name, "file", path, scale, raw * scale)
    return found


def battery(device: Device) -> HeatSource:
    """The battery's temperature: sysfs where it may be read, else ``dumpsys battery``; NOWHERE without a battery."""
    raw = _number(device.read_files([_BATTERY])[_BATTERY])
    if raw is not None and _LOWEST_C <= raw * 0.1 <= _HIGHEST_C:
        return HeatSource("battery", "file", _BATTERY, 0.1, raw * 0.1)
    answer = device.run(["dumpsys", "battery"], deadline_s=20)
    match = re.search(rb"^\s*temperature:\s*(-?\d+)\s*$", answer.stdout, re.MULTILINE)
    if answer.code == 0 and match and _LOWEST_C <= int(match[1]) * 0.1 <= _HIGHEST_C:
        return HeatSource("battery", "battery", scale=0.1, temperature=int(match[1]) * 0.1)
    return NOWHERE


def find_source(device: Device, load: Callable[[], None]) -> tuple[HeatSource, dict[str, HeatSource]]:
    """The zone that rises most while ``load`` runs on the device, and all zones as they were before.

    Without one that moves: the battery on a phone, NOWHERE on this machine.
    """
    before = read_zones(device)
    if before:
        load()
        rises = [
            ((zone.temperature or 0) - (before[path].temperature or 0), path)
            for path, zone in read_zones(device).items()
            if path in before
        ]
        rise, path = max(rises, default=(0.0, ""))
        if rise >= _RISE_C:
            return before[path], before
    return battery(device) if device.identity.capabilities.has_battery else NOWHERE, before


def _number(data: bytes | None) -> float | None:
    try:
        return float((data or b"").strip())
    except ValueError:
        return None
