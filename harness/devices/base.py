"""The one interface to a device. Everything else of the tool talks to phones and to this machine through it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness.model.condition import Condition
from harness.model.emulation import mark_of

_LONGEST_REFUSAL = 160
LOCAL = "local"  # this machine: its serial, its kind, its folder in a run directory


@dataclass(frozen=True)
class Capabilities:
    """What a kind of device has and needs. This is asked, never the kind: another kind is one more row of the table."""

    folder: str = ""  # its name in a run directory, which no other device has; "": it is named for its model
    runs_host_programs: bool = False  # programs for this machine instead of those for an ABI of its own
    is_measured_alone: bool = False  # it is the host that serves the other devices
    has_settings: bool = True  # Android's, such as the one that keeps the screen on
    has_battery: bool = True
    has_product_model: bool = True  # ro.product.model, by which it may be known
    has_secret_serial: bool = True  # its serial number stands in device.json only
    has_lock: bool = True  # harnesses of other hosts may reach it: it is locked on itself too


_CAPABILITIES = {
    "adb": Capabilities(),
    LOCAL: Capabilities(
        folder=LOCAL,
        runs_host_programs=True,
        is_measured_alone=True,
        has_settings=False,
        has_battery=False,
        has_product_model=False,
        has_secret_serial=False,
        has_lock=False,
    ),
}


@dataclass(frozen=True)
class Identity:
    """Who a device is. Unknown values are empty strings; nothing here is trusted as a path, shell text or HTML."""

    serial: str
    kind: str  # "adb" or "local"
    model: str = ""
    manufacturer: str = ""
    soc: str = ""
    android: str = ""  # "14"; empty for local
    sdk: int = 0
    abis: tuple[str, ...] = ()
    fingerprint: str = ""
    kernel: str = ""
    page_size: int = 4096
    boot_id: str = ""
    serialno: str = ""  # ro.serialno; PhoneId tells phones apart by it
    board: str = ""  # ro.product.board
    second_mark: str = ""  # a hash of android_id: tells phones apart whose ro.serialno does not
    serialno_is_shared: bool = False  # another phone was seen with the same one
    emulated: bool = False  # a phone: ro.boot.qemu = 1; local: its kernel is one for other CPUs than its programs
    host: str = ""  # adb server "127.0.0.1:5037"; empty for local
    adb: str = ""  # the server's program and version, where this machine tells them

    @property
    def capabilities(self) -> Capabilities:
        """What its kind has and needs."""
        return _CAPABILITIES[self.kind]

    @property
    def is_networked(self) -> bool:
        """Whether adb reaches it over a network, not by a cable."""
        return self.kind != LOCAL and is_network_address(self.serial)

    @property
    def mark(self) -> str:
        """What stands beside figures of this device: EMULATED, or nothing."""
        return mark_of(self.emulated)


@dataclass(frozen=True)
class Cluster:
    """CPUs of one cpufreq policy and one MIDR (one core type)."""

    cpus: tuple[int, ...]
    core: str = ""  # "Cortex-A75" where the MIDR is known
    midr: str = ""  # "0x516f802d"; empty on x86
    policy: str = ""  # "policy4"; empty where the system shows none
    max_khz: int = 0
    capacity: int = 0
    governor: str = ""

    @property
    def label(self) -> str:
        """The CPUs in cpulist form: ``4-7``, ``0,2-3``."""
        return format_cpus(self.cpus)


@dataclass(frozen=True)
class Topology:
    """The clusters of a device, fastest last (by cpu_capacity, else highest clock), and the CPUs we may use.

    Clusters that are offline are among them.
    """

    clusters: tuple[Cluster, ...]
    allowed: tuple[int, ...]
    notes: tuple[str, ...] = ()
    offline: tuple[int, ...] = ()
    has_affinity: bool = True  # whether the system keeps threads to CPUs


@dataclass(frozen=True)
class Completed:
    """What a command on a device left: exit code and both outputs, whole."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """stdout as text, undecodable bytes replaced."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def refusal(self) -> str:
        """Why it failed, in one line: of a Java stack the line that names the exception."""
        said = (self.stderr + b"\n" + self.stdout).decode("utf-8", "replace").splitlines()
        lines = ["".join(c for c in line if c.isprintable()).strip() for line in said]
        told = next((line for line in lines if "Exception: " in line), next(filter(None, lines), ""))
        return f"exit code {self.code}{f': {told[:_LONGEST_REFUSAL]}' if told else ''}"


@dataclass(frozen=True)
class RemoteProcess:
    """A detached program: told from any later owner of its pid by the start time of /proc/<pid>/stat (field 22)."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True)
class Running:
    """A process that was found, and its command line."""

    process: RemoteProcess
    arguments: tuple[bytes, ...]


class Device(Protocol):
    """A phone behind adb, or this machine. Methods raise DeviceLost, DeadlineExceeded or DeviceError."""

    @property
    def serial(self) -> str: ...

    @property
    def identity(self) -> Identity:
        """Read once, then kept."""
        ...

    def confirm(self) -> None:
        """Asks again who answers. Raises DeviceError where it is not the device that ``identity`` tells of."""
        ...

    def reconnect(self, only_if_forgotten: bool = False) -> None:
        """Has the connection opened anew, to this device alone; never raises. Whether it helped shows the next call.

        ``only_if_forgotten``: only where who opens it no longer knows of the device.
        """
        ...

    def topology(self) -> Topology: ...

    def work_root(self) -> str:
        """The folder on the device under which run folders are made (/data/local/tmp on a phone)."""
        ...

    def run(self, argv: Sequence[str], *, deadline_s: float = 30.0, stdin: bytes = b"") -> Completed:
        """Runs a program to its end; the deadline is total, and what still runs then is killed on the device."""
        ...

    def push(self, source: Path, target: str, *, executable: bool = False) -> None:
        """Copies to a temporary name, compares size and SHA-256, then renames: target is whole or absent."""
        ...

    def pull(self, source: str, target: Path) -> None:
        """Copies to a temporary name, compares the size, then renames."""
        ...

    def read_from(self, path: str, offset: int) -> bytes:
        """The bytes of a growing file from offset to its present end; b"" where there are none yet."""
        ...

    def read_files(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        """Many small files in one round trip; None for one that cannot be read, or does not answer in its time."""
        ...

    @property
    def silent_files(self) -> tuple[str, ...]:
        """Files of /sys that did not answer in their time; they are not asked again."""
        ...

    def list_dir(self, path: str, *, deadline_s: float = 30.0) -> tuple[str, ...]:
        """Names in a folder; empty where it is absent or may not be read."""
        ...

    def make_dir(self, path: str) -> None: ...

    def remove_tree(self, path: str) -> None:
        """Removes a folder below work_root(); refuses anything else."""
        ...

    def free_bytes(self, path: str) -> int: ...

    def spawn(self, argv: Sequence[str], *, cwd: str, output: str) -> RemoteProcess:
        """Starts a program detached (own session, no pipe to us); stdout and stderr go to the file ``output``."""
        ...

    def alive(self, process: RemoteProcess) -> bool: ...

    def running(self, text: str, *, deadline_s: float = 30.0) -> list[Running]:
        """The living processes that have the text in their command line, in one round trip."""
        ...

    def kill(self, process: RemoteProcess) -> None:
        """Kills the program, its session and all that descends from them; returns when they are gone."""
        ...

    def get_setting(self, namespace: str, key: str, *, like: str = ".+", deadline_s: float = 30.0) -> str | None:
        """``settings get``; None where unset. DeviceError where no line, or several, are ``like`` a value; on local."""
        ...

    def put_setting(self, namespace: str, key: str, value: str | None, *, deadline_s: float = 30.0) -> None:
        """``settings put``, or ``settings delete`` for None; DeviceError where that failed. Reading tells the rest."""
        ...


Key = tuple[str, str]  # adb server (empty for local), serial


def key_of(device: Device) -> Key:
    """What tells the devices of one command apart: two adb servers may list two phones by one serial."""
    return device.identity.host, device.identity.serial


@dataclass(frozen=True)
class Unusable:
    """An attached device that cannot be used, and what to do about it."""

    serial: str
    state: str  # "unauthorized", "offline", "no shell v2", ...
    remedy: str
    conditions: tuple[str, ...]  # the names of those that keep it from being used, one at least
    host: str = ""  # as in Identity
    model: str = ""  # empty where it does not say

    @staticmethod
    def of(device: Device, state: str, remedy: str, conditions: tuple[str, ...]) -> Unusable:
        """A device that answers, and cannot be used."""
        return Unusable(device.serial, state, remedy, conditions, device.identity.host, device.identity.model)

    @property
    def found(self) -> tuple[Condition, ...]:
        """The same as conditions."""
        return tuple(Condition(name, f"its state is: {self.state}", self.remedy) for name in self.conditions)

    @property
    def key(self) -> Key:
        """As key_of."""
        return self.host, self.serial


@dataclass(frozen=True)
class AdbServer:
    """An adb server that was asked. ``adb``: its program and version, empty where this machine does not tell them."""

    address: str
    adb: str


@dataclass(frozen=True)
class Attached:
    """What discovery found, and where it looked."""

    devices: tuple[Device, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    servers: tuple[AdbServer, ...] = ()
    conditions: Mapping[Key, tuple[Condition, ...]] = field(default_factory=dict)  # of usable devices
    other_names: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)  # serials of their other connections


def is_network_address(serial: str) -> bool:
    """Whether an adb serial is HOST:PORT or the name of a wireless connection, not of a cable or an emulator."""
    return has_address(serial) or re.search(r"\._adb\S*\._tcp", serial) is not None


def has_address(serial: str) -> bool:
    """Whether an adb serial is HOST:PORT, which `adb connect` takes; ``usb:1-2`` and ``transport_id:5`` are others."""
    return not serial.startswith(("usb:", "transport_id:")) and re.fullmatch(r"\S+:[0-9]{1,5}", serial) is not None


def format_cpus(cpus: Sequence[int]) -> str:
    """CPU numbers in the kernel's cpulist form: (0, 2, 3) -> ``0,2-3``."""
    spans: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if spans and cpu == spans[-1][1] + 1:
            spans[-1][1] = cpu
        else:
            spans.append([cpu, cpu])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def parse_cpus(text: str) -> tuple[int, ...]:
    """CPU numbers of a cpulist: ``0,2-3`` -> (0, 2, 3). Raises ValueError for anything else."""
    cpus: set[int] = set()
    count = 0
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        low, high = int(first), int(last) if dash else int(first)
        count += 1 + high - low
        if low < 0 or high < low or high > 4095 or count > 2 * 4096:
            raise ValueError(f"not a CPU list: {text[:80]!r}")
        cpus.update(range(low, high + 1))
    return tuple(sorted(cpus))


def as_json(value: Identity | Cluster) -> dict[str, Any]:
    """A dataclass of this module as JSON-ready values."""
    return asdict(value)
