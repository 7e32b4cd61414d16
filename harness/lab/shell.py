"""Commands on the phone for adb's shell and exec services.

The text goes to the phone's own sh; nothing here looks into it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import selectors
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.lab import protocol
from harness.lab.faults.traffic import Treatment
from harness.lab.stream import Stream, StreamClosed

SH = "/system/bin/sh"
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Request:
    """How a command is run: with the shell v2 protocol or bare, on a terminal or on pipes."""

    command: str
    packets: bool
    terminal: bool
    term: str = ""


def request(kind: str, options: Sequence[str], command: str) -> Request:
    """Reads ``shell,v2,TERM=xterm,pty:`` and the like as adbd does: a terminal where asked for or without a command."""
    terminal = kind == "shell" and ("pty" in options or (not command and "raw" not in options))
    term = next((o.partition("=")[2] for o in options if o.startswith("TERM=")), "")
    return Request(command, "v2" in options, terminal, term)


def serve(stream: Stream, wanted: Request, environment: Mapping[str, str], treatment: Treatment | None = None) -> None:
    """Runs the command to its end, or hangs up its shell when the host closes the stream.

    As with adbd, only the shell gets SIGHUP; what it started goes on unless it hears of it from the shell.
    """
    outlet = _Outlet(stream, wanted.packets, treatment or Treatment())
    variables = dict(environment)
    if wanted.term:
        variables["TERM"] = wanted.term
    argv = [SH, "-c", wanted.command] if wanted.command else [SH, "-"]
    if wanted.terminal:
        with contextlib.ExitStack() as stack:
            master, slave = os.openpty()
            stack.callback(os.close, master)
            try:
                process = subprocess.Popen(
                    ["/system/bin/setsid", "-c", *argv], stdin=slave, stdout=slave, stderr=slave, env=variables, cwd="/"
                )
            finally:
                os.close(slave)
            _attend(outlet, wanted, process, os.dup(master), {master: protocol.STDOUT})
        return
    stderr = subprocess.PIPE if wanted.packets else subprocess.STDOUT
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=variables,
        cwd="/",
        start_new_session=True,
        bufsize=0,
    )
    assert process.stdin and process.stdout
    outputs = {process.stdout.fileno(): protocol.STDOUT}
    if process.stderr:
        outputs[process.stderr.fileno()] = protocol.STDERR
    # Closed here rather than by the process object: its writer thread may be in the middle of a write.
    stdin = os.dup(process.stdin.fileno())
    process.stdin.close()
    _attend(outlet, wanted, process, stdin, outputs)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


class _Outlet:
    """Where a command's outputs go, treated as the faults that are on say."""

    def __init__(self, stream: Stream, packets: bool, treatment: Treatment) -> None:
        self.stream = stream
        self._packets = packets
        self._treatment = treatment

    def begin(self) -> None:
        """What every shell prints of its own."""
        if noise := self._treatment.opening():
            self._send(protocol.STDOUT, noise)

    def put(self, kind: int, data: bytes) -> None:
        """Sends what came of an output. Raises StreamClosed."""
        if kind == protocol.STDOUT:
            data = self._treatment.stdout(data)
        if data:
            self._send(kind, data)

    def end(self, status: int) -> None:
        """Sends the exit code, where it has a place."""
        if self._packets:
            self._send(protocol.EXIT, bytes([status & 255]))

    def _send(self, kind: int, data: bytes) -> None:
        self.stream.write(protocol.shell_packet(kind, data) if self._packets else data)


def _attend(
    outlet: _Outlet, wanted: Request, process: subprocess.Popen[bytes], stdin: int, outputs: dict[int, int]
) -> None:
    threading.Thread(target=_feed, args=(outlet.stream, wanted, stdin), daemon=True).start()
    if _forward(outlet, outputs):
        code = process.wait()
        outlet.end(128 - code if code < 0 else code)
    else:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGHUP)
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
        process.wait()


def _forward(outlet: _Outlet, outputs: dict[int, int]) -> bool:
    """Sends what the command writes until it has closed its outputs (True) or the host has gone (False)."""
    try:
        outlet.begin()
    except StreamClosed:
        return False
    with selectors.DefaultSelector() as selector:
        selector.register(outlet.stream.closed_event, selectors.EVENT_READ, None)
        for descriptor, kind in outputs.items():
            selector.register(descriptor, selectors.EVENT_READ, kind)
        left = len(outputs)
        while left:
            for key, _ in selector.select():
                if key.data is None:
                    return False
                try:
                    data = os.read(key.fd, _CHUNK)
                except OSError:  # EIO: the last program has let go of the terminal
                    data = b""
                if not data:
                    selector.unregister(key.fd)
                    left -= 1
                    continue
                try:
                    outlet.put(key.data, data)
                except StreamClosed:
                    return False
    return True


def _feed(stream: Stream, wanted: Request, stdin: int) -> None:
    """Brings the host's bytes to the command until the host closes its end or the stream; closes ``stdin``."""
    reader = protocol.ShellReader()
    is_open = True
    with contextlib.suppress(protocol.ProtocolError):
        while data := stream.read():
            packets = reader.feed(data) if wanted.packets else ((protocol.STDIN, data),)
            for kind, payload in packets:
                if kind == protocol.STDIN and is_open:
                    is_open = _write(stdin, payload)
                elif kind == protocol.CLOSE_STDIN and is_open and not wanted.terminal:
                    os.close(stdin)
                    is_open = False
                    stdin = -1
                elif kind == protocol.WINDOW_SIZE and wanted.terminal:
                    _resize(stdin, payload)
    if stdin >= 0:
        os.close(stdin)


def _write(descriptor: int, data: bytes) -> bool:
    """Writes all; False once nobody reads any more."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except OSError:
            return False
    return True


def _resize(terminal: int, payload: bytes) -> None:
    match = re.fullmatch(rb"(\d+)x(\d+),(\d+)x(\d+)\0?", payload)
    if match:
        with contextlib.suppress(OSError, struct.error):
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", *map(int, match.groups())))
