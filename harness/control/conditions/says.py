"""What phones say, as values: pure functions over untrusted text. What is not there, or cannot be, is not known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.control.conditions.known import NotKnown
from harness.devices.scripts import parse_df
from harness.model.phone_state import power_state, thermal_state

_LOWEST_C, _HIGHEST_C = -30.0, 120.0
_CHARGING = 2  # BatteryManager.BATTERY_STATUS_CHARGING


@dataclass(frozen=True)
class Battery:
    """``dumpsys battery``. ``celsius``: None where it is not told."""

    percent: float
    charging: bool
    celsius: float | None


@dataclass(frozen=True)
class Thermal:
    """``dumpsys thermalservice``. ``readings``: the sensors' lines, to be compared with later ones."""

    override: bool
    status: int | None
    ready: bool | None
    readings: tuple[str, ...]

    @property
    def tells(self) -> bool:
        """Whether its status can be believed."""
        return not self.override and self.ready is not False


@dataclass(frozen=True)
class Mount:
    """A line of /proc/mounts."""

    point: str
    type: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Owner:
    """Mode and owner of a line of ``ls -l``."""

    mode: str
    user: str


def battery(text: str) -> Battery | None:
    """None where the phone has none: it tells a level of 0 then. Raises NotKnown where there is no level."""
    if _truth("present", text) is False:
        return None
    level, scale = (
        _number(r"^[ \t]*level:[ \t]*(\d{1,6})[ \t\r]*$", text),
        _number(r"^[ \t]*scale:[ \t]*(\d{1,6})[ \t\r]*$", text),
    )
    if level is None or level > (scale or 100):
        raise NotKnown("dumpsys battery gives no level")
    tenths = _number(r"^[ \t]*temperature:[ \t]*(-?\d{1,6})[ \t\r]*$", text)
    celsius = None if tenths is None else tenths / 10
    return Battery(
        percent=100 * level / (scale or 100),
        charging=_number(r"^[ \t]*status:[ \t]*(\d{1,6})[ \t\r]*$", text) == _CHARGING,
        celsius=celsius if celsius is not None and _LOWEST_C <= celsius <= _HIGHEST_C else None,
    )


def thermal(text: str) -> Thermal | None:
    """None where the phone has no such service. Raises NotKnown for what is none of its answers."""
    if re.search(r"Can't find service|does not exist", text):
        return None
    state = thermal_state(text)
    if state.override is None and state.ready is None and state.status is None:
        raise NotKnown("dumpsys thermalservice gives no status")
    _, now, rest = text.partition("Current temperatures from HAL:")
    lines = re.findall(r"Temperature\{[^}\n]{1,300}\}", rest if now else text)
    return Thermal(state.override is True, state.status, state.ready, tuple(lines[:200]))


def settings(text: str) -> Mapping[str, str]:
    """``settings list``: lines ``key=value``. Raises NotKnown where there is no such line."""
    found = dict(re.findall(r"^([A-Za-z0-9_.:-]{1,100})=(.{0,200})$", text.replace("\r", ""), re.MULTILINE))
    if not found:
        raise NotKnown("settings list gives nothing")
    return found


def wakefulness(text: str) -> str:
    """``mWakefulness`` of ``dumpsys power``: Awake, Asleep, Dozing, Dreaming. Raises NotKnown."""
    found = power_state(text).wakefulness
    if found is None:
        raise NotKnown("dumpsys power does not say whether it is awake")
    return found


def free_bytes(text: str) -> int:
    """The free bytes in the last line of ``df -k``. Raises NotKnown."""
    free = parse_df(text)
    if free is None:
        raise NotKnown("df gives no sizes")
    return free


def mount_of(path: str, mounts: str) -> Mount | None:
    """The line of /proc/mounts that ``path`` lies on: the longest mount point, the last one of it. None: not told."""
    best: Mount | None = None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 4:
            continue
        point = re.sub(r"\\([0-3][0-7]{2})", lambda octal: chr(int(octal[1], 8)), fields[1])
        inside = path == point or path.startswith(f"{point.rstrip('/')}/")
        if inside and (best is None or len(point) >= len(best.point)):
            best = Mount(point, fields[2], tuple(fields[3].split(",")))
    return best


def owner_of(listing: str) -> Owner | None:
    """Of the first line of ``ls -l`` that is one; None where there is none."""
    found = re.search(r"^([dl-][rwxsStT-]{9})\S?\s+(?:\d+\s+)?(\S{1,64})\s", listing, re.MULTILINE)
    return Owner(found[1], found[2]) if found else None


def _number(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text, re.MULTILINE)
    return int(found[1]) if found else None


def _truth(name: str, text: str) -> bool | None:
    found = re.search(rf"^[ \t]*{name}:[ \t]*(true|false)[ \t\r]*$", text, re.MULTILINE)
    return None if found is None else found[1] == "true"
