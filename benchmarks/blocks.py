"""The host's memory and open files while it follows a phone for thousands of blocks (layer x launch): both stay flat.

A recorded stream grows in a file as convbench's does. It is read through the real adb transport from a small adb server
in another process, whose shell is this machine's, and goes the whole way of a session's records: file, progress, what
is done. Exit code 1 where something grows.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commandline import start
from benchmarks.synthetic import LAYERS, Phone, make_run
from harness.devices.adb import AdbDevice
from harness.devices.base import Identity, RemoteProcess
from harness.devices.identity import BOOT_ID
from harness.devices.phone_id import PhoneId
from harness.devices.scripts import parse_stat
from harness.devices.transport import Server, Transport
from harness.measure.run.follow import Follower
from harness.measure.run.intake import Intake
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.store import records
from harness.store.progress import Done
from harness.store.recordsfile import RecordsFile
from harness.store.rundir import DeviceDir

_LOOKS = 10
_MOST_GROWTH = 2 << 20  # bytes from the second look to the last, in steps of the allocator; the stream has 20 MB
_PER_S = 60  # blocks that the stream grows by


class _AdbServer(socketserver.ThreadingTCPServer):
    """As much of an adb server as a shell command needs."""

    daemon_threads = True


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError, struct.error):
            while not self._answer(self.rfile.read(int(self.rfile.read(4), 16)).decode()):
                pass

    def _answer(self, request: str) -> bool:
        self.wfile.write(b"OKAY")
        command = request.removeprefix("shell,v2,raw:")
        if command == request:
            return False
        stdin = b"" if command.endswith("</dev/null") else self._stdin()
        done = subprocess.run(["sh", "-c", command], input=stdin, capture_output=True, check=False)
        for kind, data in ((1, done.stdout), (2, done.stderr), (3, bytes([done.returncode & 255]))):
            self.wfile.write(struct.pack("<BI", kind, len(data)) + data)
        return True

    def _stdin(self) -> bytes:
        data = b""
        while True:
            kind, length = struct.unpack("<BI", self.rfile.read(5))
            data += self.rfile.read(length)
            if kind == 4:
                return data


def _serve(ports: multiprocessing.Queue[int]) -> None:
    with _AdbServer(("127.0.0.1", 0), _Connection) as server:
        ports.put(server.server_address[1])
        server.serve_forever()


def _grow(source: Path, target: Path) -> None:
    """Appends the recorded stream block by block; lives until it is killed, as a program that is followed."""
    with source.open("rb") as recorded, target.open("ab", buffering=0) as stream:
        for line in recorded:
            stream.write(line)
            if b'"type": "job"' in line:
                time.sleep(1 / _PER_S)
    time.sleep(3600)


def _process(pid: int) -> RemoteProcess:
    stat = parse_stat(Path(f"/proc/{pid}/stat").read_text())
    assert stat is not None
    return RemoteProcess(pid, stat[1], Path(BOOT_ID).read_text().strip())


class _Looks:
    """Memory, open files and threads of this process, at equal distances."""

    def __init__(self, blocks: int) -> None:
        self._every = blocks // _LOOKS
        self._seen = 0
        self.rows: list[tuple[int, int, int, int]] = []

    def take(self, record: records.Record) -> None:
        self._seen += isinstance(record, records.Job)
        if isinstance(record, records.Job) and self._seen % self._every == 0:
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            files = len(list(Path("/proc/self/fd").iterdir()))
            self.rows.append((self._seen, int(status["VmRSS"].split()[0]) << 10, files, threading.active_count()))

    def has_grown(self) -> bool:
        """Between the second look, when everything has been used once, and the last."""
        (_, memory, files, threads), (_, last_memory, last_files, last_threads) = self.rows[1], self.rows[-1]
        return last_memory - memory > _MOST_GROWTH or last_files > files or last_threads > threads


def command(blocks: Annotated[int, typer.Option(min=100, help="layers x launches")] = 2000) -> None:
    """Prints a table; exit code 1 where memory or files grow."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        phone = Phone(clusters=(("4-7", "Cortex-A75", 2803),))
        made = make_run(folder / "recorded", [phone], LAYERS, launches=blocks // len(LAYERS), rounds=4)
        looks = _follow(made / "devices" / phone.name / "records.jsonl", folder, blocks)
    print("| blocks | memory, MB | open files | threads |\n|---|---|---|---|")
    for seen, memory, files, threads in looks.rows:
        print(f"| {seen} | {memory / 1e6:.2f} | {files} | {threads} |")
    if looks.has_grown():
        sys.exit(1)


def _follow(recorded: Path, folder: Path, blocks: int) -> _Looks:
    stream, looks, done = folder / "stream.jsonl", _Looks(blocks), Done()
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    helpers = [
        multiprocessing.Process(target=_serve, args=(ports,), daemon=True),
        multiprocessing.Process(target=_grow, args=(recorded, stream), daemon=True),
    ]
    for helper in helpers:
        helper.start()
    device = AdbDevice(Transport(Server("127.0.0.1", ports.get(timeout=10)), "PHONE1"))
    directory = DeviceDir(folder / "run" / "phone")
    phone, progress = PhoneId.of(Identity("PHONE1", "adb")), DeviceProgress("phone")
    intake = Intake(phone, SessionOutcome("phone"), progress, directory.events)

    def take(record: records.Record) -> None:
        done.add(record)
        intake.take("4-7", record)
        looks.take(record)

    follower = Follower(device, str(stream), RecordsFile(directory.records), directory.events, take)
    began = time.monotonic()
    try:
        follower.follow(_process(helpers[1].pid or 0), threading.Event(), 3600)
    finally:
        for helper in helpers:
            helper.kill()
    count = sum(1 for line in recorded.open() if json.loads(line)["type"] == "sample")
    print(f"{blocks} blocks, {count} samples in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return looks


if __name__ == "__main__":
    start(command)
