"""A phone behind an adb server. Shell v2 only: without it there are no exit codes."""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
import re
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from harness.devices import identity, quoting, scripts, topology
from harness.devices.base import Completed, Identity, RemoteProcess, Running, Topology
from harness.devices.number import number
from harness.devices.phone_id import PhoneId, second_mark
from harness.devices.topology import Files
from harness.devices.transport import CommandTimedOut, Deadline, Pace, PushRefused, Transport, copy_whole
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost, InfrastructureError, Unkillable, WrongDevice

WORK_ROOT = "/data/local/tmp"
_CLEAN_UP_S = 20.0
_ASKED, _ASKED_AGAIN_S = 3, 0.3
_SECOND_MARK_S = 5.0
_SLOWEST_BYTES_PER_S = 100_000
_LARGEST_FILE = 1 << 40
_SILENCE_S = 15.0  # a file that is read from, and a shell that starts, say something within that time
_FILE_S = 5.0  # a file that says nothing for so long is left out
_FILES_S, _FILES_PER_S = 30.0, 20.0  # for all files of a call together: a process costs a slow phone some 20 ms
_NO_DIGEST = 69  # of scripts.COMMIT


class AdbDevice:
    """The Device protocol over adb. Usable from several threads: every call has a connection of its own."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._identity: Identity | None = None
        self._lock = threading.Lock()
        self._silent: list[str] = []
        self.properties: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"AdbDevice({self.serial!r})"

    @property
    def serial(self) -> str:
        """The name under which the adb server lists the phone."""
        return self._transport.serial

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
            **{key: _last_line(part) for key, part in zip(("kernel", "page_size", "boot_id"), parts[1:], strict=False)},
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

    def reconnect(self) -> None:
        """The server opens its connection to this phone anew; those to other phones stay."""
        self._transport.reconnect()

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

    def work_root(self) -> str:
        """/data/local/tmp: the one folder where the shell user may run programs."""
        return WORK_ROOT

    def run(self, argv: Sequence[str], *, deadline_s: float = 30.0, stdin: bytes = b"") -> Completed:
        """Runs a program; raises DeadlineExceeded after ``deadline_s`` in all, with the program killed on the phone.

        A program that had ended by then, or of which the phone said nothing, is one whose connection hangs: DeviceLost.
        """
        return self._run(argv, Deadline(deadline_s), stdin)

    def _run(self, argv: Sequence[str], deadline: Deadline, stdin: bytes = b"") -> Completed:
        token = scripts.new_token()
        line = scripts.announced(quoting.command(argv) + ("" if stdin else " </dev/null"), token)
        try:
            code, stdout, stderr = self._transport.shell(
                line, deadline, stdin, lambda said: self._late(argv[0], deadline.seconds, said, token)
            )
        except CommandTimedOut as late:
            raise late.error or DeviceLost(f"{self.serial}: {argv[0]}: no answer") from None
        announcement, own = scripts.split_announced(stdout, token)
        if announcement is None:
            reason = stderr.decode("utf-8", "replace").strip()[-200:] or f"exit code {code}"
            raise DeviceLost(f"{self.serial}: running {argv[0]}: the answer lacks its beginning ({reason})")
        return Completed(tuple(argv), code, own, stderr)

    def _late(self, program: str, deadline_s: float, stdout: bytes, token: str) -> DeviceError:
        """Kills what a call left that came to no end in its time: the error to raise."""
        stat = scripts.parse_stat(scripts.split_announced(stdout, token)[0] or "")
        doing = f"{self.serial}: {program}"
        try:
            found, left = self._kill(RemoteProcess(stat[0], stat[1], "") if stat else None, token)
        except DeviceError as error:
            return DeviceLost(f"{doing}: no answer for {deadline_s:g} s, nor to a second call ({error.message})")
        ending = f"not stopped: {left} processes are left on the phone" if left else "stopped"
        if stat is None or not found:
            what = f"the program was {ending}" if found else "the program had ended"
            return DeviceLost(f"{doing}: no answer for {deadline_s:g} s: the connection hangs, {what}")
        return DeadlineExceeded(f"{doing} took longer than {deadline_s:g} s and was {ending}")

    def _script(
        self, text: str, *arguments: str, deadline_s: float = 30.0, silence_s: float | None = None, stdin: bytes = b""
    ) -> Completed:
        """Runs a script; its output begins behind a token, since a shell may say something before.

        ``silence_s``: given up earlier where nothing comes for so long.
        """
        token = scripts.new_token()
        argv = scripts.script(f"echo; echo {token}\n{text}", *arguments)
        deadline = Deadline(deadline_s)
        done = self._run(argv, deadline if silence_s is None else Pace(deadline, silence_s), stdin)
        return replace(done, stdout=done.stdout.partition(f"\n{token}\n".encode())[2])

    def _check(self, done: Completed, doing: str) -> Completed:
        if done.code:
            reason = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.code}"
            raise DeviceError(f"{self.serial}: {doing}: {reason}")
        return done

    def push(self, source: Path, target: str, *, executable: bool = False) -> None:
        """Copies a file; the target is whole or absent. DeviceError carries the phone's reason (no space, ...)."""
        temporary = f"{target}.push-{scripts.new_token()[:8]}"
        mode = 0o755 if executable else 0o644
        try:
            with source.open("rb") as stream:
                size, sha256, md5 = _digests(stream)
                stream.seek(0)
                deadline = Deadline(60 + size / _SLOWEST_BYTES_PER_S)
                self._transport.send_file(stream, temporary, mode, deadline)
        except OSError as error:
            raise InfrastructureError(f"{source}: {error.strerror or error}") from None
        except PushRefused as refused:
            raise self._refused(target, temporary, size, str(refused)) from None
        done = self._script(scripts.COMMIT, temporary, target, sha256, md5, f"{mode:o}", "", deadline_s=120)
        if done.code == _NO_DIGEST and self._came_whole(temporary, size, sha256):
            done = self._script(scripts.COMMIT, temporary, target, sha256, md5, f"{mode:o}", "whole")
        if done.code:
            damaged = {65: f"it arrived damaged ({done.text.strip()})", _NO_DIGEST: "it arrived damaged"}
            reason = damaged.get(done.code, done.stderr.decode("utf-8", "replace").strip())
            raise self._refused(target, temporary, size, reason)

    def _came_whole(self, temporary: str, size: int, sha256: str) -> bool:
        """For a phone that has no program for digests: brings the file back, and compares it here."""
        try:
            with tempfile.TemporaryFile() as back:
                self._transport.receive_file(temporary, back, Deadline(60 + size / _SLOWEST_BYTES_PER_S))
                back.seek(0)
                return _digests(back)[1] == sha256
        except OSError as error:
            what = f"{self.serial}: {temporary} cannot be brought back: {error.strerror or error}"
            raise InfrastructureError(what) from None

    def _refused(self, target: str, temporary: str, size: int, reason: str) -> DeviceError:
        """The error for a failed push; asks df where the phone gave no reason."""
        free = -1
        with contextlib.suppress(DeviceError):
            self._script('rm -f "$1"', temporary)
        with contextlib.suppress(DeviceError):
            free = self.free_bytes(posixpath.dirname(target))
        if "no space" in reason.lower() or 0 <= free < size:
            return DeviceError(
                f"{self.serial}: no space left for {target}: {size} bytes needed, {max(free, 0)} free",
                f"make room on the phone; folders left in {WORK_ROOT} may be removed",
            )
        return DeviceError(f"{self.serial}: {target} could not be written: {reason or 'no reason given'}")

    def pull(self, source: str, target: Path) -> None:
        """Copies a file to this host; raises DeviceError where less arrives than the phone had."""
        done = self._check(self._script('wc -c <"$1"', source), f"pulling {source}")
        least = number(_last_line(done.text), 0, _LARGEST_FILE)
        if least is None:
            raise DeviceError(f"{self.serial}: pulling {source}: the phone does not tell how long it is")
        temporary = target.with_name(f".{target.name}.pull")
        try:
            deadline = Deadline(60 + least / _SLOWEST_BYTES_PER_S)
            got = copy_whole(self._transport, source, temporary, deadline)
            if got < least:
                raise DeviceError(f"{self.serial}: {source}: {got} of {least} bytes arrived")
            temporary.replace(target)
        except OSError as error:
            what = f"{target}: {error.strerror or error}"
            raise InfrastructureError(what, "make room, or choose another folder") from None
        finally:
            with contextlib.suppress(OSError):  # a name that is too long, as of what was to be written
                temporary.unlink(missing_ok=True)

    def read_from(self, path: str, offset: int) -> bytes:
        """The bytes of a growing file from ``offset`` on; b"" where there are none yet."""
        arguments = (path, str(scripts.BLOCK), str(offset // scripts.BLOCK))
        answer = self._script(scripts.READ_FROM, *arguments, deadline_s=60, silence_s=_SILENCE_S)
        done = self._check(answer, f"reading {path}")
        return done.stdout[offset % scripts.BLOCK :]

    def read_files(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        """Many small files in one round trip; None for one that cannot be read."""
        if bad := next((path for path in paths if not path.startswith("/") or "\n" in path or "\0" in path), None):
            raise DeviceError(f"{self.serial}: not an absolute path on one line: {bad!r}")
        if not paths:
            return {}
        files: dict[str, bytes | None] = dict.fromkeys(paths)
        rest = [path for path in files if path not in self._silent]
        deadline, patience = Deadline(_FILES_S + len(rest) / _FILES_PER_S), _FILE_S
        while rest:
            try:
                pace = Pace(deadline, patience)
            except TimeoutError:  # files that never answer have used it up: a call more would find it so again
                self._silent += [path for path in rest if path.startswith("/sys/")]
                break
            token = scripts.new_token()
            listing = "\n".join(rest).encode("utf-8", "surrogateescape") + b"\n\n"
            line = quoting.command(scripts.script(scripts.READ_FILES, token))
            error, output = self._until_it_hangs(line, pace, listing)
            whole = min(scripts.whole_frames(output, token), len(rest))
            if error and whole < 0 and patience == _FILE_S:  # the shell itself is slow
                patience = _FILES_S
                continue
            if error and (whole < 0 or isinstance(error, DeviceLost)):
                raise error
            files |= zip(rest[:whole], scripts.parse_frames(output, token, max(whole, 0)), strict=False)
            if error is None or whole == len(rest):
                break
            if rest[whole].startswith("/sys/"):
                self._silent.append(rest[whole])
            rest = rest[whole + 1 :]
        return files

    def _until_it_hangs(self, line: str, pace: Pace, stdin: bytes) -> tuple[DeviceError | None, bytes]:
        """What a command line printed; with an error where nothing came for long, and it was stopped."""
        token = scripts.new_token()
        try:
            _, stdout, _ = self._transport.shell(
                scripts.announced(line, token), pace, stdin, lambda said: self._late("sh", pace.seconds, said, token)
            )
        except CommandTimedOut as late:
            return late.error, late.stdout
        return None, stdout

    @property
    def silent_files(self) -> tuple[str, ...]:
        """Files of /sys that did not answer in their time; they are not asked again."""
        return tuple(self._silent)

    def list_dir(self, path: str) -> tuple[str, ...]:
        done = self.run(["ls", "-1A", path])
        names = done.text.split("\n") if done.code == 0 else []
        return tuple(sorted(name for name in names if name not in ("", ".", "..") and not {"/", "\0"} & set(name)))

    def make_dir(self, path: str) -> None:
        self._check(self.run(["mkdir", "-p", path]), f"making {path}")

    def remove_tree(self, path: str) -> None:
        """Removes a folder below /data/local/tmp; DeviceError for any other path."""
        normal = posixpath.normpath(path)
        if not normal.startswith(f"{WORK_ROOT}/") or normal != path.rstrip("/"):
            raise DeviceError(f"{self.serial}: refused to remove {path!r}: not below {WORK_ROOT}")
        self._check(self.run(["rm", "-rf", normal], deadline_s=120), f"removing {normal}")

    def free_bytes(self, path: str) -> int:
        done = self.run(["df", "-k", path], deadline_s=10)
        free = scripts.parse_df(done.text)
        if done.code or free is None:
            why = done.refusal if done.code else "df gives no sizes"
            raise DeviceError(f"{self.serial}: asking for free space in {path}: {why}")
        return free

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

    def running(self, text: str) -> list[Running]:
        """The living processes with that text in their command line."""
        done = self._script(scripts.PROGRAMS, token := scripts.new_token(), text)
        boot_id, processes = scripts.parse_programs(done.stdout, token)
        return [
            Running(RemoteProcess(stat[0], stat[1], boot_id), tuple(arguments))
            for line, arguments in processes
            if (stat := scripts.parse_stat(line)) and stat[2] not in ("Z", "X")
        ]

    def kill(self, process: RemoteProcess) -> None:
        if left := self._kill(process)[1]:
            raise Unkillable(f"{self.serial}: {left} processes of session {process.pid} cannot be killed")

    def _kill(self, process: RemoteProcess | None, token: str = "") -> tuple[int, int]:
        """Kills the process with its family, or without one all of the call with that token; found, and left."""
        known = process or RemoteProcess(0, 0, "")
        arguments = (str(known.pid), str(known.start_ticks), known.boot_id, f"{scripts.CALL}={token}")
        # stderr is full of processes that ended between listing and reading
        line = f"exec {quoting.command(scripts.script(scripts.KILL, *arguments))} </dev/null 2>/dev/null"
        doing = f"{self.serial}: killing {f'process {known.pid}' if process else 'what a call left'}"
        try:
            _, stdout, _ = self._transport.shell(line, Deadline(_CLEAN_UP_S))
        except CommandTimedOut:
            raise DeviceLost(f"{doing}: no answer for {_CLEAN_UP_S:g} s") from None
        if (counts := re.search(rb"^(\d{1,9}) (\d{1,9})\s*\Z", stdout, re.MULTILINE)) is None:
            raise DeviceLost(f"{doing}: the answer is cut short")
        return int(counts[1]), int(counts[2])

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


def _last_line(text: str) -> str:
    """What a program says in one line, behind what a loader may have to say."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def _digests(stream: IO[bytes]) -> tuple[int, str, str]:
    """Bytes, SHA-256 and MD5 of a file."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    while chunk := stream.read(1 << 20):
        sha256.update(chunk)
        md5.update(chunk)
        size += len(chunk)
    return size, sha256.hexdigest(), md5.hexdigest()
