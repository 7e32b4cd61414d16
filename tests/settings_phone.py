"""A phone of memory: its settings, the file on it, and what may go wrong with each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from harness.devices import scripts
from harness.devices.base import Completed, Device, Identity
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost

FIXED = ("cmd", "power", "set-fixed-performance-mode-enabled")
AIRPLANE = ("cmd", "connectivity", "airplane-mode")
FIRST = {
    "stay_on_while_plugged_in": "1",
    "screen_off_timeout": "60000",
    "low_power": "1",
    "screen_brightness_mode": "1",
    "screen_brightness": "102",
    "airplane_mode_on": "0",
}


class Killed(BaseException):
    """The host dies: nothing of it runs any more."""


class Phone:
    """The Device protocol as far as settings go. Faults are by key; ``fixed`` for the one that cannot be read."""

    def __init__(self, serial: str = "192.168.0.9:5555", serialno: str = "8A9X0B1C2", sdk: int = 31) -> None:
        self.serial = serial
        self.identity = Identity(serial, "adb", model="Pixel 3", serialno=serialno, sdk=sdk, boot_id="boot-1")
        self.values: dict[str, str | None] = dict(FIRST)
        self.fixed = "false"
        self.files: dict[str, str] = {}
        self.refuses: set[str] = set()
        self.ignores: set[str] = set()  # says yes, and does nothing
        self.unreadable: set[str] = set()
        self.hangs: set[str] = set()  # "settings", "settings get", "settings put", "cmd"
        self.is_full = self.lost = False
        self.dies_after = -1  # calls
        self.calls: list[str] = []

    @property
    def device(self) -> Device:
        return cast(Device, self)

    def work_root(self) -> str:
        return "/data/local/tmp"

    def _call(self, what: str) -> None:
        if self.dies_after == 0:
            raise Killed
        self.dies_after -= 1
        self.calls.append(what)
        if self.lost:
            raise DeviceLost("gone")

    def _hang(self, program: str, verb: str = "") -> None:
        """What it was to do is done all the same, unless it is ignored too."""
        if {program, f"{program} {verb}"} & self.hangs:
            raise DeadlineExceeded(f"{program} took longer than 10 s")

    def get_setting(self, namespace: str, key: str, *, like: str = ".+", deadline_s: float = 30) -> str | None:
        self._call(f"get {key}")
        self._hang("settings", "get")
        if key in self.unreadable:
            raise DeviceError(f"settings get {namespace} {key}: no value, but 'WARNING: linker'")
        return self.values[key]

    def put_setting(self, namespace: str, key: str, value: str | None, *, deadline_s: float = 30) -> None:
        self._call(f"put {key} {value}")
        self._put(key, value)
        self._hang("settings", "put")

    def _put(self, key: str, value: str | None) -> None:
        if key in self.refuses:
            raise DeviceError(f"settings put {key}: exit code 255: java.lang.SecurityException: no")
        if key not in self.ignores:
            self.values[key] = value

    def read_files(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        self._call("read")
        return {path: self.files[path].encode() if path in self.files else None for path in paths}

    def run(self, argv: Sequence[str], **_: Any) -> Completed:
        self._call(" ".join(argv[:2] if argv[0] == "sh" else argv))
        code = self._ran(list(argv))
        self._hang(argv[0])
        return Completed(tuple(argv), code, b"", b"No space left" if self.is_full else b"said no")

    def _ran(self, argv: list[str]) -> int:
        if tuple(argv[:3]) in (FIXED, AIRPLANE):
            try:
                if tuple(argv[:3]) == FIXED:
                    if "fixed" in self.refuses:
                        return 255
                    self.fixed = argv[3]
                else:
                    self._put("airplane_mode_on", {"enable": "1", "disable": "0"}[argv[3]])
            except DeviceError:
                return 255
        elif argv[:3] == ["sh", "-c", scripts.KEEP]:
            if self.is_full:
                return 1
            self.files[argv[4]] = argv[5]
        elif argv[:2] == ["mv", "-f"]:
            self.files[argv[3]] = self.files.pop(argv[2])
        elif argv[:2] == ["rm", "-f"]:
            self.files.pop(argv[2], None)
        else:
            raise AssertionError(argv)
        return 0
