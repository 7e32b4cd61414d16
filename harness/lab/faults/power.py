"""Faults of the battery, the charger, the screen: what dumpsys and settings show."""

from __future__ import annotations

from typing import Any

from harness.lab.faults.files import replaced
from harness.lab.faults.kind import End, Kind, Site, choice, nothing, number
from harness.lab.sysfs import POWER_SUPPLY

_SOURCES = {"ac": "AC powered", "usb": "USB powered", "wireless": "Wireless powered"}
_CHARGING, _DISCHARGING = "2", "3"


def _battery(site: Site, level: int) -> End:
    return replaced({site.folder / "services" / "battery" / "level": str(level)})


def _charger(site: Site, source: str) -> End:
    folder = site.folder / "services" / "battery"
    texts = {folder / name: str(key == source).lower() for key, name in _SOURCES.items()}
    shown = {site.folder / "sys" / POWER_SUPPLY / "status": "Discharging\n" if source == "none" else "Charging\n"}
    return replaced({**texts, **shown, folder / "status": _DISCHARGING if source == "none" else _CHARGING})


def _low_power(site: Site, _: None) -> End:
    return replaced({site.folder / "settings" / "global" / "low_power": "1"})


def _screen(site: Site, state: str) -> End:
    return replaced({site.folder / "services" / "power" / "wakefulness": "Awake" if state == "on" else "Asleep"})


KINDS: dict[str, Kind[Any]] = {
    "battery": Kind("The battery's level in percent.", number("PERCENT", 0, 100, default=3), _battery),
    "charger": Kind("What the phone is charged by.", choice("none", *_SOURCES), _charger),
    "low-power": Kind("Battery saver is on (settings global low_power).", nothing(), _low_power),
    "screen": Kind("The screen is on or off (mWakefulness).", choice("on", "off", default="off"), _screen),
}
