"""What Android says of its state, read from lines of dumpsys: pure, over untrusted text. None: it does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# By service, how the lines begin that are read here.
LINES = {
    "power": ("mWakefulness=", "mIsPowered=", "mPlugType=", "Battery Saver is currently:"),
    "thermalservice": ("IsStatusOverride:", "Thermal Status:", "HAL Ready:"),
}
SERVICES = tuple(LINES)
_SHUTDOWN = 6  # the highest of Android's thermal statuses; 0: none, 3: severe


@dataclass(frozen=True)
class PowerState:
    """``dumpsys power``. ``wakefulness``: Awake, Asleep, Dozing, Dreaming; ``saving``: battery saver is in force."""

    wakefulness: str | None
    powered: bool | None
    saving: bool | None

    @property
    def awake(self) -> bool | None:
        """Whether the screen is on."""
        return None if self.wakefulness is None else self.wakefulness == "Awake"


@dataclass(frozen=True)
class ThermalState:
    """``dumpsys thermalservice``: what it says, whether somebody set that by hand, and whether its sensors answer."""

    status: int | None
    override: bool | None
    ready: bool | None

    @property
    def believed(self) -> int | None:
        """The status, 0 to 6. One that is set by hand, or of a service without sensors (0 for ever), is unknown."""
        return None if self.override or self.ready is False else self.status


def power_state(text: str | Iterable[str]) -> PowerState:
    """Of its output, or of lines of it; the first one of a kind counts."""
    lines = _joined(text)
    saving = _first(r"Battery Saver is currently:[ \t]*([A-Z]{1,10})\b", lines)
    return PowerState(
        _first(r"mWakefulness=([A-Za-z]{1,20})\b", lines),
        _truth(_first(r"mIsPowered=(true|false)\b", lines)),
        None if saving not in ("ON", "ADAPTIVE", "OFF") else saving == "ON",
    )


def thermal_state(text: str | Iterable[str]) -> ThermalState:
    """Of its output, or of lines of it; the first one of a kind counts."""
    lines = _joined(text)
    status = _first(r"Thermal Status:[ \t]*([0-9])[ \t\r]*$", lines)
    return ThermalState(
        int(status) if status is not None and int(status) <= _SHUTDOWN else None,
        _truth(_first(r"IsStatusOverride:[ \t]*(true|false)[ \t\r]*$", lines)),
        _truth(_first(r"HAL Ready:[ \t]*(true|false)[ \t\r]*$", lines)),
    )


def _joined(text: str | Iterable[str]) -> str:
    return text if isinstance(text, str) else "\n".join(text)


def _first(pattern: str, text: str) -> str | None:
    found = re.search(rf"^[ \t]*{pattern}", text, re.MULTILINE)
    return None if found is None else found[1]


def _truth(word: str | None) -> bool | None:
    return None if word is None else word == "true"
