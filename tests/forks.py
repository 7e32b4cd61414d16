"""The command line as forks of a process that has imported it: to import it takes longer than most commands take.

Each command is a process of its own, with its own arguments, folder, environment, outputs and signals. That it starts
from nothing is shown where it is run as users run it: by tests/e2e, and by tests/unit/cli/test_startup.py.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO

from harness.cli.commands import SUMMARIES

_ROOT = Path(__file__).resolve().parents[1]
_LONGEST = 1 << 17  # bytes of a request: arguments and environment
_IMPORTED_S = 120.0
# Imported by commands only when they come to it.
_LATE = ("harness.cli.program", "harness.report.writer", "harness.report.compared", "scipy.special")


class Process:
    """A command in progress, with the methods of subprocess.Popen that tests use. Its outputs go into files."""

    def __init__(self, status: socket.socket, out: IO[bytes], err: IO[bytes]) -> None:
        self._status = status
        self._outputs = (out, err)
        self.returncode: int | None = None
        self.pid = int(self._told(_IMPORTED_S) or 0)
        assert self.pid, "the process that has imported the command line has ended"

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same once it has ended. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            told = self._told(timeout)
            assert told, "the process that has imported the command line has ended"
            self.returncode = int(told)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Its outputs once it has ended. Raises subprocess.TimeoutExpired."""
        self.wait(timeout)
        out, err = (self._text(file) for file in self._outputs)
        return out, err

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    @staticmethod
    def _text(file: IO[bytes]) -> str:
        file.seek(0)
        return file.read().decode()

    def _told(self, timeout: float | None) -> bytes:
        if not select.select([self._status], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("harness", timeout or 0)
        return self._status.recv(64)


class Forks:
    """Begins commands; ``close`` ends the process that has imported them, and no command."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _LONGEST)
        with theirs:
            argv = [sys.executable, "-m", "tests.forks", str(theirs.fileno())]
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # a process with threads is not forked
            self._server = subprocess.Popen(argv, cwd=_ROOT, env=environment, pass_fds=[theirs.fileno()])

    def begin(self, argv: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Process:
        """Starts ``harness ARGV`` there."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        outputs = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  they live as long as the command
        request = json.dumps({"argv": list(argv), "cwd": str(cwd), "environment": dict(environment)}).encode()
        assert len(request) <= _LONGEST
        with theirs:
            descriptors = [theirs.fileno(), *(file.fileno() for file in outputs)]
            socket.send_fds(self._requests, [request], descriptors)
        return Process(mine, *outputs)

    def close(self) -> None:
        self._requests.close()
        self._server.wait(60)


def _serve(requests: socket.socket) -> list[str] | None:
    """Forks for each request, and tells how it ended; returns in the forks, with their arguments, and at the end."""
    running: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor of a process: its number, who is told
    while True:
        for ready in select.select([requests.fileno(), *running], [], [])[0]:
            if ready in running:
                pid, status = running.pop(ready)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                os.close(ready)
                with status, contextlib.suppress(OSError):  # nobody waits any more
                    status.send(str(code).encode())
                continue
            message, descriptors, _, _ = socket.recv_fds(requests, _LONGEST, 3)
            if not message:
                return None
            if (pid := os.fork()) == 0:
                requests.close()
                for descriptor, (_, other) in running.items():
                    os.close(descriptor)
                    other.close()
                return _become(json.loads(message), descriptors)
            status = socket.socket(fileno=descriptors[0])
            running[os.pidfd_open(pid)] = pid, status
            status.send(str(pid).encode())
            for descriptor in descriptors[1:]:
                os.close(descriptor)


def _become(request: dict[str, object], descriptors: Sequence[int]) -> list[str]:
    """Makes this process the command's; its arguments."""
    for descriptor, target in zip(descriptors[1:], (1, 2), strict=True):
        os.dup2(descriptor, target)
    for descriptor in descriptors:
        os.close(descriptor)
    argv, environment = request["argv"], request["environment"]
    assert isinstance(argv, list) and isinstance(environment, dict)
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    return [str(each) for each in argv]


def _main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    for name in (*_LATE, *(f"harness.cli.{command}" for command in SUMMARIES)):
        import_module(name)
    gc.freeze()  # what is imported is no command's garbage
    argv = _serve(requests)
    if argv is not None:
        from harness.cli.main import main

        sys.argv = ["harness", *argv]
        main()


if __name__ == "__main__":
    _main()
