"""This machine as a device. Never starts adb."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from stat import S_ISREG

from harness.devices import family, identity, perflevels, processes, topology
from harness.devices.base import Completed, Identity, RemoteProcess, Running, Topology
from harness.digest import sha256_of
from harness.errors import DeadlineExceeded, DeviceError, Unkillable
from harness.paths import build_root


class LocalDevice:
    """The Device protocol by subprocesses of this host. CPUs come from the affinity mask it was made with."""

    serial = "local"

    def __init__(self, work_root: Path | None = None) -> None:
        self._root = (work_root or build_root() / "work").absolute()
        self._identity: Identity | None = None
        self._allowed = tuple(sorted(own_cpus()))
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def __repr__(self) -> str:
        return "LocalDevice()"

    @property
    def identity(self) -> Identity:
        """Read once, then kept."""
        if self._identity is None:
            machine, kernel, page_size = platform.machine(), platform.release(), os.sysconf("SC_PAGE_SIZE")
            if processes.IS_MAC:
                self._identity = identity.mac(self._sysctl(), machine=machine, kernel=kernel, page_size=page_size)
            else:
                files = self.read_files(identity.LOCAL_FILES)
                self._identity = identity.local(files, machine=machine, kernel=kernel, page_size=page_size)
        return self._identity

    def confirm(self) -> None:
        """This machine is always itself."""

    def reconnect(self, only_if_forgotten: bool = False) -> None:
        """There is no connection."""

    def _sysctl(self) -> dict[str, str]:
        return perflevels.values_of(self.run(perflevels.COMMAND).text)

    def topology(self) -> Topology:
        if processes.IS_MAC:
            return perflevels.topology(self._sysctl())
        paths = [str(path) for pattern in topology.PATTERNS for path in Path("/").glob(pattern.removeprefix("/"))]
        return topology.without_others(topology.build(self.read_files(paths), self._allowed))

    def work_root(self) -> str:
        """A folder of the build cache: unlike /tmp it lets programs run on every host that can build them."""
        with _failures(str(self._root)):
            self._root.mkdir(parents=True, exist_ok=True)
        return str(self._root)

    def run(self, argv: Sequence[str], *, deadline_s: float = 30.0, stdin: bytes = b"") -> Completed:
        """Runs a program; raises DeadlineExceeded after ``deadline_s``, with its session killed."""
        with _failures(argv[0]):
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        try:
            stdout, stderr = process.communicate(stdin or None, timeout=deadline_s)
        except subprocess.TimeoutExpired:
            family.kill(process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=5)
            raise DeadlineExceeded(f"local: {argv[0]} took longer than {deadline_s:g} s and was stopped") from None
        except BaseException:
            family.kill(process.pid)
            process.wait()
            raise
        code = process.returncode
        return Completed(tuple(argv), 128 - code if code < 0 else code, stdout, stderr)

    def push(self, source: Path, target: str, *, executable: bool = False) -> None:
        final = Path(target)
        temporary = final.with_name(f".{final.name}.push")
        with _failures(target):
            shutil.copyfile(source, temporary)
            temporary.chmod(0o755 if executable else 0o644)
            if sha256_of(temporary) != sha256_of(source):
                temporary.unlink()
                raise DeviceError(f"local: {target}: the copy differs from {source}")
            temporary.replace(final)

    def pull(self, source: str, target: Path) -> None:
        temporary = target.with_name(f".{target.name}.pull")
        with _failures(source):
            least = Path(source).stat().st_size
            shutil.copyfile(source, temporary)
            if (got := temporary.stat().st_size) < least:
                temporary.unlink()
                raise DeviceError(f"local: {source}: {got} of {least} bytes arrived")
            temporary.replace(target)

    def read_from(self, path: str, offset: int) -> bytes:
        """The bytes of a growing file from ``offset`` on; b"" where there are none yet."""
        with _failures(path):
            try:
                with Path(path).open("rb") as stream:
                    stream.seek(offset)
                    return stream.read()
            except FileNotFoundError:
                return b""

    def read_files(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        """Many small files; None for one that cannot be read."""
        files: dict[str, bytes | None] = {}
        for path in paths:
            try:
                files[path] = _read_at_once(path)
            except (OSError, ValueError):
                files[path] = None
        return files

    @property
    def silent_files(self) -> tuple[str, ...]:
        """None: what does not answer at once is not read."""
        return ()

    def list_dir(self, path: str, *, deadline_s: float = 30.0) -> tuple[str, ...]:
        try:
            return tuple(sorted(entry.name for entry in Path(path).iterdir()))
        except OSError:
            return ()

    def make_dir(self, path: str) -> None:
        with _failures(path):
            Path(path).mkdir(parents=True, exist_ok=True)

    def remove_tree(self, path: str) -> None:
        """Removes a folder below work_root(); DeviceError for any other path."""
        folder = Path(path)
        if ".." in folder.parts or folder == self._root or not folder.is_relative_to(self._root):
            raise DeviceError(f"local: refused to remove {path!r}: not below {self._root}")
        with _failures(path), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)

    def free_bytes(self, path: str) -> int:
        with _failures(path):
            return shutil.disk_usage(path).free

    def spawn(self, argv: Sequence[str], *, cwd: str, output: str) -> RemoteProcess:
        """Starts a program in a session of its own; it outlives this process and does not get its Ctrl-C."""
        with _failures(argv[0]), Path(output).open("wb") as stream:
            process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[process.pid] = process
        _await_arguments(process)
        found = processes.find(process.pid)
        return RemoteProcess(process.pid, found.start if found else 0, self.identity.boot_id)

    def alive(self, process: RemoteProcess) -> bool:
        if child := self._children.get(process.pid):
            child.poll()  # reaps it, or it would stay as a zombie
        found = processes.find(process.pid)
        same_boot = process.boot_id in ("", self.identity.boot_id)
        return bool(found and same_boot and found.start == process.start_ticks and found.lives)

    def running(self, text: str, *, deadline_s: float = 30.0) -> list[Running]:
        """The living processes with that text in their command line."""
        return [
            Running(RemoteProcess(found.pid, found.start, self.identity.boot_id), processes.arguments(found))
            for found in processes.with_commands()
            if text.encode() in found.command
        ]

    def kill(self, process: RemoteProcess) -> None:
        found = processes.find(process.pid)
        reused = found is not None and found.start != process.start_ticks
        if reused or process.boot_id not in ("", self.identity.boot_id):
            return
        left = family.kill(process.pid)
        if child := self._children.pop(process.pid, None):
            child.wait()
        if left:
            raise Unkillable(f"local: {left} processes of session {process.pid} cannot be killed")

    def get_setting(self, namespace: str, key: str, *, like: str = ".+", deadline_s: float = 30.0) -> str | None:
        """This machine has no such settings."""
        raise DeviceError(f"local: has no Android settings ({namespace} {key})")

    def put_setting(self, namespace: str, key: str, value: str | None, *, deadline_s: float = 30.0) -> None:
        """This machine has no such settings."""
        raise DeviceError(f"local: has no Android settings ({namespace} {key})")


@contextlib.contextmanager
def _failures(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeviceError(f"local: {error.filename or what}: {error.strerror or error}") from None


def _await_arguments(process: subprocess.Popen[bytes]) -> None:
    """Until /proc shows the program's arguments: within exec there is a moment in which it shows none, and whoever
    looks for our programs by their arguments would miss this one."""
    deadline = time.monotonic() + (0 if processes.IS_MAC else 1)
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{process.pid}/cmdline").read_bytes():
                return
        time.sleep(0.001)


def own_cpus() -> set[int]:
    """CPUs that this process may run on, by number; those of the system where it keeps no process to any."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _read_at_once(path: str) -> bytes:
    """A file's content, or OSError where it is none that answers at once: a fifo, a device."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file", path)
        return stream.read()
