"""What a device tells beside measurements: each source is asked once, and one that tells nothing has a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.devices.base import Device, Topology
from harness.errors import DeviceError, DeviceLost, WrongDevice
from harness.model.phone_state import LINES, power_state, thermal_state

_CPUFREQ = "/sys/devices/system/cpu/cpufreq"
_ZONES = "/sys/class/thermal"
_LEAVES = ("cpuinfo_max_freq", "scaling_max_freq", "scaling_cur_freq", "stats/time_in_state")
_MOST_KHZ = 100_000_000
_ANSWER_S = 4.0
_SHOWN = 24  # characters of what is garbage


@dataclass(frozen=True)
class Source:
    """One of them. ``reads``: the file or the command; ``why``: why it tells nothing, None where it tells."""

    name: str
    reads: str
    why: str | None = None


@dataclass(frozen=True)
class Sources:
    """All of a device."""

    every: tuple[Source, ...] = ()

    def lacks(self, name: str) -> bool:
        """Whether that one was asked and tells nothing."""
        return any(source.name == name and source.why is not None for source in self.every)

    def as_json(self) -> list[dict[str, Any]]:
        """As device.json has them."""
        return [asdict(source) for source in self.every]


NO_SOURCES = Sources()


def probe(device: Device, topology: Topology) -> Sources:
    """Asks for everything once; what fails has its reason. Raises DeviceLost and WrongDevice."""
    found = [*_cpufreq(device, topology), _zones(device), _boot_id(device)]
    if device.identity.capabilities.has_settings:
        found += [_service(device, name) for name in LINES]
    return Sources(tuple(found))


def _cpufreq(device: Device, topology: Topology) -> Iterator[Source]:
    policies = list(dict.fromkeys(cluster.policy for cluster in topology.clusters if cluster.policy))
    paths = {f"{policy}/{leaf}": f"{_CPUFREQ}/{policy}/{leaf}" for policy in policies for leaf in _LEAVES}
    failed = None
    files: Mapping[str, bytes | None] = {}
    try:
        files = device.read_files(list(paths.values())) if paths else {}
    except (DeviceLost, WrongDevice):
        raise
    except DeviceError as error:
        failed = error.message
    for name, path in paths.items():
        yield Source(name.replace("stats/", ""), path, failed or _of_file(files.get(path), path))
    for cluster in topology.clusters:
        if not cluster.policy:
            yield Source(f"cpufreq of CPUs {cluster.label}", _CPUFREQ, "the system shows no frequencies of these CPUs")


def _of_file(data: bytes | None, path: str) -> str | None:
    if data is None:
        return "it cannot be read"
    text = data.decode("utf-8", "replace").strip()
    if not text:
        return "it is empty"
    if path.endswith("time_in_state"):
        lines = [line.split(" ") for line in text.splitlines()]
        fine = all(len(line) == 2 and _is_khz(line[0]) and re.fullmatch(r"[0-9]{1,15}", line[1]) for line in lines)
    else:
        fine = _is_khz(text)
    return None if fine else f"it holds what cannot be: {_shown(text)}"


def _is_khz(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,12}", text) is not None and 0 < int(text) <= _MOST_KHZ


def _shown(text: str) -> str:
    return repr("".join(char if char.isprintable() and char.isascii() else "?" for char in text[:_SHOWN]))


def _zones(device: Device) -> Source:
    name = "thermal zones"
    try:
        count = sum(entry.startswith("thermal_zone") for entry in device.list_dir(_ZONES))
    except (DeviceLost, WrongDevice):
        raise
    except DeviceError as error:
        return Source(name, _ZONES, error.message)
    return Source(name, _ZONES, None if count else "there is none, or none may be seen")


def _boot_id(device: Device) -> Source:
    known = bool(device.identity.boot_id)
    return Source("boot id", "/proc/sys/kernel/random/boot_id", None if known else "it cannot be read")


def _service(device: Device, name: str) -> Source:
    argv = ("dumpsys", name)
    return Source(name, " ".join(argv), _why_silent(device, argv, name))


def _why_silent(device: Device, argv: Sequence[str], name: str) -> str | None:
    try:
        done = device.run(argv, deadline_s=_ANSWER_S)
    except (DeviceLost, WrongDevice):
        raise
    except DeviceError as error:
        return error.message
    if done.code != 0:
        return done.refusal
    text = done.text[:500_000]
    if name == "power":
        power = power_state(text)
        return None if power.wakefulness or power.saving is not None else "it says nothing of the screen and of power"
    thermal = thermal_state(text)
    if thermal.status is None:
        return "it gives no status"
    return "its sensors do not answer: the status is 0 for ever" if thermal.ready is False else None
