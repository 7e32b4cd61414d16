"""A phone as far as the doctor asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.control.holder import Holder
from harness.devices.base import Cluster, Completed, Identity, Running, Topology

BATTERY = (
    "Current Battery Service state:\n  USB powered: true\n  status: 3\n  level: 85\n  scale: 100\n  temperature: 270\n"
)
THERMAL = (
    "IsStatusOverride: false\nThermal Status: 0\nHAL Ready: true\nCurrent temperatures from HAL:\n"
    "\tTemperature{mValue=31.0, mType=0, mName=cpu, mStatus=0}\n"
)
POWER = "POWER MANAGER (dumpsys power)\n  mWakefulness=Awake\n"
SETTINGS = {"global": "low_power=0\nadb_enabled=1\n", "system": "screen_brightness=102\n"}
FOLDER = {
    "folder": "drwxrwx--x 3 shell shell 4096 2026-11-29 10:00 /data/local/tmp",
    "write": "{token}",
    "run": "42",
    "mounts": "/dev/root / ext4 ro 0 0\n/dev/block/dm-5 /data f2fs rw,nosuid,nodev 0 0",
    "space": "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/block/dm-5 1000000 1 900000 1% /data",
}


PIXEL = Identity("S1", "adb", model="Pixel 3", sdk=31, serialno="8A9X")


ELSEWHERE = replace(Holder.me("sweep"), host="another", kernel="another boot")


@dataclass
class FakePhone:
    """Answers by the first words of a command; an exception in the place of an answer is raised."""

    identity: Identity = PIXEL
    answers: dict[str, str | Exception] = field(default_factory=dict)
    folder: dict[str, str] = field(default_factory=lambda: dict(FOLDER))
    fails: Exception | None = None
    holder: Holder | None = None  # who has locked it, of another host
    asked: list[str] = field(default_factory=list)

    @property
    def serial(self) -> str:
        return self.identity.serial

    def topology(self) -> Topology:
        if self.fails:
            raise self.fails
        return Topology((Cluster((0, 1)), Cluster((2, 3))), (0, 1, 2, 3))

    def work_root(self) -> str:
        return "/data/local/tmp"

    def list_dir(self, path: str, **_: Any) -> tuple[str, ...]:
        return {"/sys/class/thermal": ("thermal_zone0", "cooling_device0"), self.work_root(): ()}[path]

    def running(self, text: str, **_: Any) -> list[Running]:
        if self.fails:
            raise self.fails
        return []

    def read_files(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        return dict.fromkeys(paths)

    def run(self, argv: Sequence[str], **_: Any) -> Completed:
        if self.fails:
            raise self.fails
        name = " ".join(argv[:2]) if argv[0] == "dumpsys" else self._script(argv)
        self.asked.append(name)
        answer = self.answers.get(name, self._usual(name, argv))
        if isinstance(answer, Exception):
            raise answer
        return Completed(tuple(argv), 0, answer.encode(), b"")

    @staticmethod
    def _script(argv: Sequence[str]) -> str:
        words = {"settings": "settings list", "folder": "df -k", "lock": "held $n $l"}
        return next((name for name, word in words.items() if word in argv[2]), "load")

    def _usual(self, name: str, argv: Sequence[str]) -> str:
        if name == "settings":
            return "".join(f"{SETTINGS[space]}\n{argv[4]}\n" for space in SETTINGS)
        if name == "lock":
            held = f"beat 1 boot 990.0\nheld 1 {self.holder.line}\n" if self.holder else ""
            return f"\n{argv[4]}\nnow boot 1000.0\n{held}end {argv[4]}\n"
        if name == "folder":
            parts = {**self.folder, "end": ""}
            return "".join(f"\n{argv[4]} {part}\n{text}" for part, text in parts.items()).replace("{token}", argv[4])
        return {"dumpsys battery": BATTERY, "dumpsys thermalservice": THERMAL, "dumpsys power": POWER, "load": ""}[name]
