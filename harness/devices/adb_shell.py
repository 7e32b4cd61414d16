"""A phone's shell behind an adb server: programs run to their end. Shell v2 only: else there are no exit codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from harness.devices import quoting, scripts
from harness.devices.base import Completed, RemoteProcess
from harness.devices.transport import CommandTimedOut, Deadline, Pace, Transport
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost

_CLEAN_UP_S = 20.0


class AdbShell:
    """Usable from several threads: every call has a connection of its own."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.serial!r})"

    @property
    def serial(self) -> str:
        """The name under which the adb server lists the phone."""
        return self._transport.serial

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


def last_line(text: str) -> str:
    """What a program says in one line, behind what a loader may have to say."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")
