"""A phone's files behind an adb server: copied whole or not at all, read while they grow, many in one round trip."""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from harness.devices import quoting, scripts
from harness.devices.adb_shell import AdbShell, last_line
from harness.devices.number import number
from harness.devices.transport import CommandTimedOut, Deadline, Pace, PushRefused, Transport, copy_whole
from harness.errors import DeviceError, DeviceLost, InfrastructureError

WORK_ROOT = "/data/local/tmp"
_SLOWEST_BYTES_PER_S = 100_000
_LARGEST_FILE = 1 << 40
_SILENCE_S = 15.0  # a file that is read from, and a shell that starts, say something within that time
_FILE_S = 5.0  # a file that says nothing for so long is left out
_FILES_S, _FILES_PER_S = 30.0, 20.0  # for all files of a call together: a process costs a slow phone some 20 ms
_NO_DIGEST = 69  # of scripts.COMMIT


class AdbFiles(AdbShell):
    """The files of a phone."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._silent: list[str] = []

    def work_root(self) -> str:
        """/data/local/tmp: the one folder where the shell user may run programs."""
        return WORK_ROOT

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
        least = number(last_line(done.text), 0, _LARGEST_FILE)
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

    def list_dir(self, path: str, *, deadline_s: float = 30.0) -> tuple[str, ...]:
        done = self.run(["ls", "-1A", path], deadline_s=deadline_s)
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


def _digests(stream: IO[bytes]) -> tuple[int, str, str]:
    """Bytes, SHA-256 and MD5 of a file."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    while chunk := stream.read(1 << 20):
        sha256.update(chunk)
        md5.update(chunk)
        size += len(chunk)
    return size, sha256.hexdigest(), md5.hexdigest()
