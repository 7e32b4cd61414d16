"""Which of a battery's counters can be read: what a series takes of it is told by them."""

from __future__ import annotations

from harness.devices.base import Device
from harness.errors import DeviceError, DeviceLost, WrongDevice

_SUPPLIES = "/sys/class/power_supply"
_FIRST = ("battery", "bms")  # what phones call it; BAT0 on laptops
LEAVES = ("status", "current_now", "voltage_now", "charge_counter")


def power_files(device: Device) -> dict[str, str]:
    """The counters of the battery that can be read, by the names of LEAVES; empty without a battery.

    Raises DeviceLost; a device that refuses to be asked has none.
    """
    try:
        supplies = sorted(device.list_dir(_SUPPLIES), key=lambda name: (name not in _FIRST, name))
        types = device.read_files([f"{_SUPPLIES}/{name}/type" for name in supplies])
        batteries = [n for n in supplies if (types.get(f"{_SUPPLIES}/{n}/type") or b"").strip() == b"Battery"]
        if not batteries:
            return {}
        paths = {leaf: f"{_SUPPLIES}/{batteries[0]}/{leaf}" for leaf in LEAVES}
        readings = device.read_files(list(paths.values()))
    except (DeviceLost, WrongDevice):
        raise
    except DeviceError:
        return {}
    return {leaf: path for leaf, path in paths.items() if (readings.get(path) or b"").strip()}
