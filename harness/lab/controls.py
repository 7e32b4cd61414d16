"""What tests and users may do to a running phone from the host. Everything takes effect at once.

A phone's state folder (PhoneHandle.root; state.py lists what lies there) may be changed as well: the phone sees it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError
from harness.lab import rehearsal
from harness.lab.manager import PhoneHandle
from harness.lab.state import State
from harness.lab.sysfs import count_time, replace_text


def zone_path(phone: PhoneHandle, kind: str) -> Path:
    """The state file behind /sys/class/thermal/thermal_zoneN/temp of the zone with this type, in the model's unit."""
    for zone in sorted((phone.root / "sys" / "devices" / "virtual" / "thermal").iterdir()):
        if (zone / "type").read_text().strip() == kind:
            return zone / "temp"
    raise InfrastructureError(f"{phone.serial} has no thermal zone of type {kind!r}")


def zone_kinds(phone: PhoneHandle) -> list[str]:
    """Types of the phone's thermal zones, by number."""
    zones = (phone.root / "sys" / "devices" / "virtual" / "thermal").iterdir()
    numbered = sorted(zones, key=lambda zone: int(zone.name.removeprefix("thermal_zone")))
    return [(zone / "type").read_text().strip() for zone in numbered]


def set_temperature(phone: PhoneHandle, celsius: float, kind: str | None = None) -> None:
    """Sets one thermal zone, or all zones and the battery."""
    scales: dict[str, int] = State(phone.root).read_spec()["zone_scales"]
    for name in [kind] if kind else zone_kinds(phone):
        replace_text(zone_path(phone, name), f"{round(celsius * scales[name])}\n")
    if kind is None:
        replace_text(phone.root / "services" / "battery" / "temperature", str(round(celsius * 10)))


def set_frequency(phone: PhoneHandle, policy: int, khz: int, name: str = "scaling_cur_freq") -> None:
    """Changes a file of policyN, by default what scaling_cur_freq reads."""
    folder = phone.root / "sys" / "devices" / "system" / "cpu" / "cpufreq" / f"policy{policy}"
    replace_text(folder / name, f"{khz}\n")


def run_at(phone: PhoneHandle, policy: int, khz: int, milliseconds: int) -> None:
    """Lets policyN's time_in_state count on: so long at one of its frequencies."""
    folder = phone.root / "sys" / "devices" / "system" / "cpu" / "cpufreq" / f"policy{policy}"
    try:
        count_time(folder, khz, milliseconds // 10)
    except ValueError as error:
        raise InfrastructureError(f"{phone.serial}: {error}") from error


def write_sysfs(phone: PhoneHandle, path: str, text: str) -> None:
    """What a file below /sys holds from now on, whatever that is: ``devices/system/cpu/online``."""
    replace_text(phone.root / "sys" / path, text)


def set_online(phone: PhoneHandle, cpus: str) -> None:
    """Plugs in these CPUs (``0-3``), and unplugs the others of the model: in /sys, and for whom may run where."""
    rehearsal.put_on(phone, f"cores={cpus}")


def drop_connection(phone: PhoneHandle) -> None:
    """Breaks every connection of an adb server; new ones are taken."""
    rehearsal.put_on(phone, "cut")


def take_offline(phone: PhoneHandle, seconds: float) -> None:
    """Breaks every connection and refuses new ones for a while. Programs on the phone go on."""
    rehearsal.put_on(phone, f"state=offline@for:{seconds:g}")


def reboot(phone: PhoneHandle) -> None:
    """Reboots at once: new boot id and uptime, every process gone, /data and settings kept."""
    rehearsal.put_on(phone, "reboot")


def set_shell_v2(phone: PhoneHandle, present: bool) -> None:
    """Whether the phone knows shell_v2, from the next connection on; the present one is broken."""
    _order(phone, {"order": "configure", "shell_v2": present})


def set_authorized(phone: PhoneHandle, authorized: bool) -> None:
    """Whether the phone accepts this host, from the next connection on; the present one is broken."""
    _order(phone, {"order": "configure", "authorized": authorized})


def set_disk_size(phone: PhoneHandle, size: int) -> None:
    """Bytes of /data, which holds /data/local/tmp."""
    rehearsal.put_on(phone, f"disk={size}")


def _order(phone: PhoneHandle, message: dict[str, Any]) -> None:
    try:
        answer = State(phone.root).order(message)
    except OSError as error:
        raise InfrastructureError(f"virtual phone {phone.serial} does not answer: {error}") from error
    if not answer["ok"]:
        raise InfrastructureError(f"virtual phone {phone.serial}: {answer['error']}")
