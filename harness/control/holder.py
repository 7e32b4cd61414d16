"""Who holds a device, or made a folder on it: told to whoever wants it too, and what shows that it is dead."""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import socket
from dataclasses import asdict, dataclass
from typing import Any

from harness.devices import processes
from harness.store.journal import utc_now

LONGEST = 2048  # bytes of a holder's line
_WORD = 80  # characters of a value


@dataclass(frozen=True)
class Holder:
    """A process that holds a device, or made a run's folder on it.

    ``kernel`` names the boot and the process ids that ``pid`` is one of.
    """

    host: str
    user: str
    pid: int
    start: int  # of processes.Process: another process of that pid has another one
    kernel: str
    since: str
    run: str
    token: str

    @staticmethod
    def me(run: str = "") -> Holder:
        """This process; each call is another holder."""
        stat = _stat(os.getpid())
        return Holder(
            host=_plain(socket.gethostname()),
            user=_plain(_user()),
            pid=os.getpid(),
            start=stat[1] if stat else 0,
            kernel=_kernel(),
            since=utc_now(),
            run=_plain(run),
            token=secrets.token_hex(8),
        )

    @staticmethod
    def unknown() -> Holder:
        """One whose line cannot be read."""
        return Holder(host="", user="", pid=0, start=0, kernel="", since="", run="", token="")

    @staticmethod
    def parse(line: str | bytes) -> Holder | None:
        """From a line that anybody may have written; None for anything else."""
        try:
            value = json.loads(line)
            return Holder(
                host=_word(value["host"]),
                user=_word(value["user"]),
                pid=_number(value["pid"]),
                start=_number(value["start"]),
                kernel=_word(value["kernel"]),
                since=_word(value["since"]),
                run=_word(value["run"]),
                token=_word(value["token"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    @property
    def line(self) -> str:
        """As one line of ASCII."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def as_json(self) -> dict[str, Any]:
        """For --json. Its token is what a lock is given back by: it is nobody else's business."""
        return {key: value for key, value in asdict(self).items() if key != "token"}

    @property
    def process(self) -> tuple[str, int, int]:
        """The same for all that one process holds."""
        return self.kernel, self.pid, self.start

    @property
    def is_dead(self) -> bool:
        """Whether it ran on this host and does not run any more; False where that cannot be told from here."""
        return self._runs() is False

    @property
    def is_alive(self) -> bool:
        """Whether it runs on this host; False where that cannot be told from here."""
        return self._runs() is True

    def _runs(self) -> bool | None:
        if not self.kernel or self.kernel != _kernel() or not self.start:
            return None
        stat = _stat(self.pid)
        return stat is not None and stat[1] == self.start and stat[2] not in ("Z", "X")

    def __str__(self) -> str:
        if not self.host:
            return "a harness that cannot be told"
        run = f", run {self.run}" if self.run else ""
        return f"{self.user} on {self.host}, pid {self.pid}, since {self.since[:19].replace('T', ' ')} UTC{run}"


def _plain(text: str) -> str:
    """Without what a shell's echo, or a terminal, makes something else of."""
    return re.sub(r"[^A-Za-z0-9 ._@:+-]", "?", text)[:_WORD]


def _word(value: object) -> str:
    if not isinstance(value, str) or len(value) > _WORD or not value.isprintable():
        raise ValueError("not a word")
    return value


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError("not a number")
    return value


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without an entry in the system's list
        return f"uid {os.getuid()}"


def _kernel() -> str:
    """As processes.kernel, short enough for a holder's line."""
    return processes.kernel()[:_WORD]


def _stat(pid: int) -> tuple[int, int, str] | None:
    found = processes.find(pid)
    return (found.pid, found.start, found.state) if found else None
