"""A phone behind an adb server: who it is, what runs on it, its settings."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from harness.devices import identity, scripts, topology
from harness.devices.adb_files import AdbFiles
from harness.devices.adb_shell import last_line
from harness.devices.base import Completed, Identity, RemoteProcess, Running, Topology
from harness.devices.phone_id import PhoneId, second_mark
from harness.devices.topology import Files
from harness.devices.transport import Transport
from harness.errors import DeviceError, DeviceLost, Unkillable, WrongDevice

_ASKED, _ASKED_AGAIN_S = 3, 0.3
_SECOND_MARK_S = 5.0


class AdbDevice(AdbFiles):
    """The Device protocol over adb."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._identity: Identity | None = None
        self._lock = threading.Lock()
        self.properties: dict[str, str] = {}

    @property
    def identity(self) -> Identity:
        """Read once, then kept."""
        with self._lock:
            if self._identity is None:
                self._identity = self._read_identity()
            return self._identity

    def shares_its_number(self) -> None:
        """Another phone was seen with the same ro.serialno, model and board."""
        with self._lock:
            if self._identity is not None:
                self._identity = replace(self._identity, serialno_is_shared=True)

    def _read_identity(self) -> Identity:
        text = "getprop; echo; echo $1; uname -r; echo $1; getconf PAGE_SIZE; echo $1; cat " + identity.BOOT_ID
        token = scripts.new_token()
        for _ in range(_ASKED):
            done = self._script(text, token)
            parts = done.text.split(f"{token}\n") + [""] * 4
            self.properties = identity.parse_properties(parts[0])
            if self.properties:  # a phone that starts has none at times
                break
            time.sleep(_ASKED_AGAIN_S)
        read = identity.phone(
            self.serial,
            str(self._transport.server),
            self.properties,
            adb=self._transport.server.adb,
            **{key: last_line(part) for key, part in zip(("kernel", "page_size", "boot_id"), parts[1:], strict=False)},
        )
        return replace(read, second_mark=self._second_mark())

    def _second_mark(self) -> str:
        """Of android_id, behind a token; empty where the phone does not tell it in time."""
        token = scripts.new_token()
        try:
            done = self._script(
                'echo; echo "$1"; exec settings get secure android_id', token, deadline_s=_SECOND_MARK_S
            )
        except DeviceLost:
            raise
        except DeviceError:
            return ""
        return second_mark(done.text.partition(f"{token}\n")[2].strip())

    def confirm(self) -> None:
        """Asks anew by what the phone is known: an address may belong to another phone by now.

        Raises WrongDevice where it does, DeviceLost where the answer does not tell.
        """
        was = PhoneId.of(self.identity)
        properties = identity.parse_properties(self._script("getprop").text)
        if not properties:
            raise DeviceLost(f"{self.serial}: it does not tell which phone it is: getprop gives nothing")
        seen = identity.phone(self.serial, "", properties)
        if was.known_by != "ro.serialno":  # others have the same properties
            seen = replace(seen, second_mark=self._second_mark())
        now = PhoneId.of(seen)
        is_new = was.known_by == "address" and now.second and not self._is_boot_of(self.identity)
        if not now.is_same(was) or is_new:
            raise WrongDevice(
                f"another phone answers at {self.serial}: {now.title}, where there was {was.title}",
                f"attach the {was.title} that was there before",
            )
        if was.known_by == "android_id" and not now.second:
            raise DeviceLost(f"{self.serial}: it does not tell which phone it is: no android_id")

    def _is_boot_of(self, known: Identity) -> bool:
        """Whether the phone has not started anew since then, and so is the same one."""
        boot_id = identity.boot_id_in(self.read_files([identity.BOOT_ID]))
        return bool(boot_id) and boot_id == known.boot_id

    def reconnect(self, only_if_forgotten: bool = False) -> None:
        """The server opens its connection to this phone anew; those to other phones stay."""
        self._transport.reconnect(only_if_forgotten)

    def topology(self) -> Topology:
        done = self._script(scripts.LINES, token := scripts.new_token(), *topology.PATTERNS)
        mask, _, lines = done.stdout.partition(f"\n{token}\n".encode())
        files = scripts.parse_lines(lines)
        return topology.build(files, self._allowed(mask.decode("utf-8", "replace"), files))

    def _allowed(self, said: str, files: Files) -> tuple[int, ...]:
        """CPUs of the affinity mask, by its system call: /proc/self/status of a virtual phone shows the host's."""
        if cpus := topology.allowed_by_mask(said):
            return cpus
        return () if self.identity.emulated else topology.allowed_by_status(files)

    def spawn(self, argv: Sequence[str], *, cwd: str, output: str) -> RemoteProcess:
        """Starts a program in a session of its own, deaf to SIGHUP, with no pipe to adb."""
        done = self._check(self._script(scripts.SPAWN, cwd, output, *argv), f"starting {argv[0]}")
        lines = done.text.split("\n")
        stat = scripts.parse_stat(lines[0])
        if stat is None:
            raise DeviceError(f"{self.serial}: starting {argv[0]}: no process id came back")
        return RemoteProcess(stat[0], stat[1], lines[1].strip() if len(lines) > 1 else "")

    def alive(self, process: RemoteProcess) -> bool:
        stat_path = f"/proc/{process.pid}/stat"
        files = self.read_files([stat_path, identity.BOOT_ID])
        stat = scripts.parse_stat((files[stat_path] or b"").decode("utf-8", "replace"))
        boot = identity.boot_id_in(files)
        same_boot = not boot or not process.boot_id or boot == process.boot_id
        return bool(stat and same_boot and stat[1] == process.start_ticks and stat[2] not in ("Z", "X"))

    def running(self, text: str, *, deadline_s: float = 30.0) -> list[Running]:
        """The living processes with that text in their command line."""
        done = self._script(scripts.PROGRAMS, token := scripts.new_token(), text, deadline_s=deadline_s)
        boot_id, processes = scripts.parse_programs(done.stdout, token)
        return [
            Running(RemoteProcess(stat[0], stat[1], boot_id), tuple(arguments))
            for line, arguments in processes
            if (stat := scripts.parse_stat(line)) and stat[2] not in ("Z", "X")
        ]

    def kill(self, process: RemoteProcess) -> None:
        if left := self._kill(process)[1]:
            raise Unkillable(f"{self.serial}: {left} processes of session {process.pid} cannot be killed")

    def get_setting(self, namespace: str, key: str, *, like: str = ".+", deadline_s: float = 30.0) -> str | None:
        """A value of Android's settings; None where unset. DeviceError where not one line is ``like`` a value."""
        argv = ["settings", "get", namespace, key]
        done = self._settings(argv, deadline_s)
        lines = {line.rstrip("\r") for line in done.text.split("\n")}
        values = {line for line in lines if line == "null" or re.fullmatch(like, line)}
        if len(values) != 1:
            said = " ".join(done.text.split())[:80]
            raise DeviceError(f"{' '.join(argv)}: no value, but {said!r}" if said else f"{' '.join(argv)}: no answer")
        value = values.pop()
        return None if value == "null" else value

    def put_setting(self, namespace: str, key: str, value: str | None, *, deadline_s: float = 30.0) -> None:
        """Writes a value, or deletes it (None)."""
        tail = ["delete", namespace, key] if value is None else ["put", namespace, key, value]
        self._settings(["settings", *tail], deadline_s)

    def _settings(self, argv: Sequence[str], deadline_s: float) -> Completed:
        done = self.run(argv, deadline_s=deadline_s)
        if done.code:
            raise DeviceError(f"{' '.join(argv[:4])}: {done.refusal}")
        return done
