"""A phone's state folder: $XDG_STATE_HOME/harness/lab/<serial>/. The phone shows it, tests may change it meanwhile.

phone.json    what the phone is; pids.json: who runs it; log, error: what went wrong; control: socket for orders
sys/          its /sys                        properties/  one file per property
kernel/       cpuinfo, boot_id                settings/    <namespace>/<key>
services/     battery/<key>, thermal/<key>, power/<key> (what dumpsys and cmd work on); powerctl
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from harness.lab.namespaces import start_ticks
from harness.lab.sysfs import replace_text


class State:
    """The folder of one phone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.power = folder / "services" / "powerctl"

    def read_spec(self) -> dict[str, Any]:
        """phone.json."""
        spec: dict[str, Any] = json.loads((self.folder / "phone.json").read_text())
        return spec

    def write_spec(self, spec: dict[str, Any]) -> None:
        """Writes phone.json."""
        (self.folder / "phone.json").write_text(json.dumps(spec, indent=1))

    def write_pids(self, supervisor: int, init: int) -> None:
        """Who runs the phone, with start times."""
        pids = {"supervisor": [supervisor, start_ticks(supervisor)], "init": [init, start_ticks(init) if init else 0]}
        fresh = self.folder / ".pids.json.new"
        fresh.write_text(json.dumps(pids))
        fresh.replace(self.folder / "pids.json")

    def pid(self, who: str) -> int:
        """The living ``supervisor`` or ``init``; 0 where it is gone."""
        try:
            pid, ticks = json.loads((self.folder / "pids.json").read_text())[who]
        except (OSError, ValueError, KeyError):
            return 0
        return int(pid) if pid and ticks and start_ticks(pid) == ticks else 0

    def set_property(self, name: str, value: str | None) -> None:
        """Sets a property; None removes it."""
        path = self.folder / "properties" / name
        if value is None:
            path.unlink(missing_ok=True)
        else:
            replace_text(path, value)

    def get_property(self, name: str) -> str:
        """A property, empty where unset."""
        try:
            return (self.folder / "properties" / name).read_text()
        except OSError:
            return ""

    def write_boot_id(self, value: str) -> None:
        """In place: the file is bound into /proc."""
        (self.folder / "kernel" / "boot_id").write_text(value + "\n")

    def fail(self, reason: str) -> None:
        """Says why there is no phone."""
        (self.folder / "error").write_text(reason)

    def error(self) -> str:
        """Why there is no phone; empty where nothing is known."""
        try:
            return (self.folder / "error").read_text()
        except OSError:
            return ""

    def rename(self, name: str) -> None:
        """The phone has another serial now."""
        self.folder = self.folder.rename(self.folder.with_name(name))
        self.power = self.folder / "services" / "powerctl"

    def listen(self) -> socket.socket:
        """The supervisor's socket for orders."""
        (self.folder / "control").unlink(missing_ok=True)
        return self._bound("control")

    def order(self, message: dict[str, Any], timeout_s: float = 5.0) -> dict[str, Any]:
        """Sends an order to the supervisor and returns its answer. Raises OSError."""
        name = f".answer.{os.getpid()}.{os.urandom(4).hex()}"
        with self._bound(name) as asker:
            try:
                asker.settimeout(timeout_s)
                with _Folder(self.folder) as folder:
                    asker.sendto(json.dumps(message).encode(), f"{folder}/control")
                answer: dict[str, Any] = json.loads(asker.recv(65536))
                return answer
            finally:
                (self.folder / name).unlink(missing_ok=True)

    def answer(self, orders: socket.socket, sender: str, message: dict[str, Any]) -> None:
        """Answers an order; ``sender`` is its address as the asker named it."""
        with _Folder(self.folder) as folder:
            orders.sendto(json.dumps(message).encode(), f"{folder}/{Path(sender).name}")

    def _bound(self, name: str) -> socket.socket:
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with _Folder(self.folder) as folder:
            bound.bind(f"{folder}/{name}")
        return bound


class _Folder:
    """A short name for a folder while it is used: socket paths end at 107 bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> str:
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._descriptor}"

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
