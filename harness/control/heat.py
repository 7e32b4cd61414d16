"""Where a device's heat can be read: thermal zones that move under load, else the battery, else nowhere.

Zones lie: some are no temperatures, some are off, some fail at times, some never answer. One reading decides nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from harness.devices.base import Device
from harness.errors import DeviceError, DeviceLost, WrongDevice
from harness.model.condition import Condition

T = TypeVar("T")
_ZONES = "/sys/class/thermal"
_BATTERY = "/sys/class/power_supply/battery/temp"
_RISE_C = 0.3  # a zone that rises less under load tells nothing about the CPU
_LOWEST_C, _HIGHEST_C = 1.0, 130.0  # outside: a sensor that is off (0, -40, -273) or counts something else
_STEEPEST_C = 60.0  # no core heats up so much in the seconds of a load: one of the readings was wrong
_TRIES = 3
_PAUSE_S = 0.1
_DUMPSYS_S = 10.0
# Thermal zones of phones that count mA, mV or per cent; `soc` and `socd` alone are the battery's charge.
_NO_TEMPERATURE = re.compile(r"(?<![a-z])(ibat|vbat|vph|bcl|volt|curr)|^socd?$|lvl|level", re.I)
_OF_CPU = re.compile(
    r"cpu|tsens|cluster|core|apc|apss|a5[0-9]|a7[0-9]|x86_pkg|soc[-_]|^(big|mid|little|mngs|apo|atlas)", re.I
)


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
    """All that is known of a device's heat: the source that its gates go by, its other zones by path, its rest.

    Clocks are those under load, in MHz, by the label of the cluster.
    """

    source: HeatSource = NOWHERE
    zones: Mapping[str, HeatSource] = field(default_factory=dict)
    rest: Rest = Rest()
    cool_mhz: Mapping[str, float] = field(default_factory=dict)  # as this run has seen it when the device was cool
    hint_mhz: Mapping[str, float] = field(default_factory=dict)  # as the run before did
    power: Mapping[str, str] = field(default_factory=dict)  # files of the battery by their names
    waited_s: float = 0.0  # at the gates of this run
    measured_s: float = 0.0  # behind them

    def credit_s(self, share: float) -> float:
        """The seconds that gates so far left of their ``share`` of the run's time; 0 where it has no bound."""
        if share >= 1:
            return 0.0
        return max(0.0, share / (1 - share) * self.measured_s - self.waited_s)

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
    """All plausible thermal zones by path; what fails is read again. Types repeat: a name carries the zone's number."""
    zones = [z for z in device.list_dir(_ZONES) if re.fullmatch(r"thermal_zone[0-9]+", z)]
    found: dict[str, HeatSource] = {}
    for attempt in range(_TRIES):
        silent = device.silent_files
        zones = [z for z in zones if f"{_ZONES}/{z}/temp" not in (*found, *silent)]
        if not zones:
            break
        if attempt:
            time.sleep(_PAUSE_S)
        found |= _read_once(device, zones)
    return dict(sorted(found.items()))


def _read_once(device: Device, zones: Sequence[str]) -> dict[str, HeatSource]:
    paths = [f"{_ZONES}/{zone}/{leaf}" for zone in zones for leaf in ("type", "temp")]
    files = device.read_files(paths)
    found = {}
    for zone in zones:
        path = f"{_ZONES}/{zone}/temp"
        raw = _number(files.get(path))
        scale = None if raw is None else celsius_scale(raw)
        if raw is not None and scale is not None:
            kind = re.sub(
                r"[^A-Za-z0-9._-]", "_", (files.get(f"{_ZONES}/{zone}/type") or b"").decode("utf-8", "replace").strip()
            )
            if _NO_TEMPERATURE.search(kind):
                continue
            name = f"{kind or 'zone'}:{zone.removeprefix('thermal_zone')}"
            found[path] = HeatSource(name, "file", path, scale, raw * scale)
    return found


def battery(device: Device) -> HeatSource:
    """The battery's temperature: sysfs where it may be read, else ``dumpsys battery``; NOWHERE without a battery."""
    raw = _number(device.read_files([_BATTERY])[_BATTERY])
    if raw is not None and _LOWEST_C <= raw * 0.1 <= _HIGHEST_C:
        return HeatSource("battery", "file", _BATTERY, 0.1, raw * 0.1)
    answer = device.run(["dumpsys", "battery"], deadline_s=_DUMPSYS_S)
    match = re.search(r"^[ \t]*temperature:[ \t]*(-?\d{1,6})[ \t\r]*$", answer.text, re.MULTILINE)
    if answer.code == 0 and match and _LOWEST_C <= int(match[1]) * 0.1 <= _HIGHEST_C:
        return HeatSource("battery", "battery", scale=0.1, temperature=int(match[1]) * 0.1)
    return NOWHERE


def find_heat(
    device: Device, load: Callable[[], None], stamp: Callable[[Condition], None]
) -> tuple[HeatSource, dict[str, HeatSource]]:
    """The source that moves under ``load``, and all zones as they were before; what fails is stamped, and done without.

    Without a zone that moves: the battery on a phone, NOWHERE on this machine. Raises DeviceLost, and what ``load``
    raises.
    """
    why: list[str] = []
    nothing: dict[str, HeatSource] = {}
    before = _tried(lambda: read_zones(device), nothing, why)
    source = NOWHERE
    if before:
        load()
        source = _moving(before, _tried(lambda: read_zones(device), nothing, why))
    if device.silent_files:
        stamp(Condition("SENSOR_SILENT", f"no answer from {', '.join(device.silent_files)}"))
    if source == NOWHERE and device.identity.capabilities.has_battery:
        source = _tried(lambda: battery(device), NOWHERE, why)
        if source == NOWHERE:
            stamp(Condition("THERMAL_UNKNOWN", "; ".join(["no temperature that moves was found", *why])))
    return source, before


def _moving(before: Mapping[str, HeatSource], after: Mapping[str, HeatSource]) -> HeatSource:
    """The zone of a CPU that rose most; without one, of whatever."""
    rises = []
    for path, zone in after.items():
        if path in before and zone.scale == before[path].scale:
            rise = (zone.temperature or 0) - (before[path].temperature or 0)
            if _RISE_C <= rise <= _STEEPEST_C:
                rises.append((_OF_CPU.search(zone.name) is not None, rise, path))
    return before[max(rises)[2]] if rises else NOWHERE


def _tried(read: Callable[[], T], otherwise: T, why: list[str]) -> T:
    """What a helper finds; where it fails, ``otherwise``, with the reason in ``why``."""
    try:
        return read()
    except (DeviceLost, WrongDevice):
        raise
    except DeviceError as error:
        why.append(error.message)
        return otherwise


def _number(data: bytes | None) -> float | None:
    try:
        return float((data or b"").strip())
    except ValueError:
        return None
