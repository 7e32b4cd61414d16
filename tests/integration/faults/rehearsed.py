"""A run on a virtual phone while something goes wrong, and what it left."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.errors import InfrastructureError
from harness.lab import adbserver, manager, namespaces, rehearsal
from harness.lab.manager import PhoneHandle
from tests.integration.faults.entry import ALL, BY_RESTORE, BY_RESUME, NONE, PUT_BACK, SOME, UNTOUCHED, Entry

_IDENTITY = ("launch", "round", "position", "layer", "variant", "cache", "build")
_OURS = "1"  # what the phone's owner has set
_PROGRESS = re.compile(r"\(EMULATED\): \d+ %|^to go on: |trying again for|^phases: |^report: |^EMULATED")
_WORK = "/data/local/tmp"
_QUICK = {"launches": 1, "rounds": 2, "min_ms": 1}
_LONG = {"launches": 1, "min_ms": 10, "block_budget_s": 60}
_LONGEST_S = 240.0  # a command takes a few seconds; on a machine that others use, so much more


@dataclass(frozen=True)
class Seen:
    """What a rehearsal saw."""

    code: int
    said: str
    records: str
    settings: str
    left: list[str]  # on the phone, of ours
    resumed: int | None
    missed: tuple[str, ...] = ()  # faults that never came about


class Rehearsed:
    """One entry of the matrix on a phone that many share: it is made whole again afterwards."""

    def __init__(self, bench: Any, phone: PhoneHandle, entry: Entry) -> None:
        self.bench = bench
        self.phone = phone
        self.entry = entry
        self.began: Any = None
        self.argv: list[str] = []  # further options of the command
        self.undo: list[Callable[[], object]] = []  # what the host's faults need at their end
        self.others: list[Any] = []  # answers of further commands that the entry gave

    def see(self) -> Seen:
        """Runs it. The phone is given back without faults."""
        with self.bench.lab.active():
            try:
                return self._see()
            finally:
                self.bench.end()
                self._heal()

    def put_on(self, *faults: str) -> None:
        rehearsal.put_on(self.phone, *faults)

    def _see(self) -> Seen:
        entry = self.entry
        self.bench.lab.shell(self.phone, f"settings put global stay_on_while_plugged_in {_OURS}")
        suite = self.bench.suite("body", gate_cap_s=0.5, **self._policy, **entry.policy)
        self.put_on(*entry.before)
        if entry.prepare:
            entry.prepare(self)
        where = ("--clusters", entry.clusters, "--device", self.phone.serial)
        self.began = self.bench.begin(suite, *where, *self.argv)
        if entry.during or entry.act:
            self.began.until_samples(4)
            self.put_on(*entry.during)
            if entry.act:
                entry.act(self)
        code, said = self.began.end(_LONGEST_S)
        said += "".join(answer.err + answer.out for answer in self.others)
        records = self._records()
        missed = tuple(one.fault for one in rehearsal.listing(self._handle()).faults if not one.happened)
        if entry.stays:
            self.phone = self._handle()
        else:
            self._end_faults()
        settings, resumed = self._settings(), None
        if entry.resume is not None:
            before = self._samples()
            done = self.bench("run", "--resume", "run")
            said, resumed = said + done.err, done.code
            after = self._samples()
            assert before <= after, "a complete record was lost"
            assert not after or max(after.values()) == 1, "a record stands twice"
            if settings not in (PUT_BACK, UNTOUCHED) and self._value() == _OURS:
                settings = BY_RESUME
        if settings not in (PUT_BACK, UNTOUCHED, BY_RESUME):
            restored = self.bench("restore")
            settings = BY_RESTORE if self._value() == _OURS else f"left at {self._value()!r}: {restored.err.strip()}"
            for run in re.findall(r"harness restore --drop (\S+)", restored.out):  # its records wait for --resume
                self.bench("restore", "--drop", run)
        return Seen(code, said, records, settings, self.bench.left(self.phone), resumed, missed)

    @property
    def _policy(self) -> dict[str, int]:
        return {**_LONG, "rounds": self.entry.rounds} if self.entry.lasts else _QUICK

    def _samples(self) -> Counter[str]:
        """How often each sample is on record; lines that arrived damaged are none."""
        found: Counter[str] = Counter()
        for file in self.bench.run.path.glob("devices/*/records.jsonl"):
            for line in file.read_bytes().split(b"\n")[:-1]:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if record.get("type") == "sample":
                    found[json.dumps([file.parent.name, *(record.get(key) for key in _IDENTITY)])] += 1
        return found

    def _records(self) -> str:
        """How much of what was planned is on record."""
        samples = self._samples()
        if samples:
            assert max(samples.values()) == 1, "a record stands twice"
        planned = 2 * self._policy["rounds"]
        return NONE if not samples else ALL if len(samples) >= planned else SOME

    def _value(self) -> str:
        return str(self.bench.stay_on(self.phone))

    def _settings(self) -> str:
        steps = []
        with contextlib.suppress(OSError, IndexError, ValueError):
            steps = self.bench.run.steps()
        if "changed" not in steps:
            return UNTOUCHED if self._value() == _OURS else "changed"
        return PUT_BACK if self._value() == _OURS else "changed"

    def _end_faults(self) -> None:
        while self.undo:
            self.undo.pop()()
        rehearsal.clear(self._handle())
        self.phone = self._handle()
        self.bench.lab.wait_until_up(self.phone)

    def _handle(self) -> PhoneHandle:
        """The phone, whatever its serial is now: its supervisor is the same."""
        (found,) = [one for one in manager.list_phones() if one.pid == self.phone.pid]
        return found

    def _heal(self) -> None:
        """Ends what a failed entry left: faults, programs, files."""
        deadline = time.monotonic() + 90
        while True:
            try:
                self._end_faults()
                break
            except InfrastructureError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        self.bench.lab.shell(self.phone, f"pkill -9 convbench; rm -rf {_WORK}/* {_WORK}/.[a-z]*; true")
        if self.bench.run.path.is_mount():
            namespaces.unmount(self.bench.run.path)
        if self.bench.run.path.exists():
            shutil.rmtree(self.bench.run.path)


def kill_host(rehearsed: Rehearsed) -> None:
    rehearsed.began.process.kill()


def signal_host(number: signal.Signals) -> Any:
    return lambda rehearsed: rehearsed.began.process.send_signal(number)


def kill_worker(rehearsed: Rehearsed) -> None:
    """The worker only, as when memory is low."""
    pid = rehearsed.bench.run.records("worker")[-1]["pid"]
    rehearsed.bench.lab.shell(rehearsed.phone, f"kill -9 {pid}")


def kill_conductor(rehearsed: Rehearsed) -> None:
    """The program that starts the workers: the parent of one."""
    pid = rehearsed.bench.run.records("worker")[-1]["pid"]
    rehearsed.bench.lab.shell(rehearsed.phone, f"read -r s </proc/{pid}/stat; set -- ${{s##*) }}; kill -9 $2")


def kill_server(rehearsed: Rehearsed) -> None:
    """As another tool does whose adb has another version; somebody starts it again and connects."""
    rehearsed.bench.lab.adb("kill-server")
    time.sleep(1.0)
    rehearsed.bench.lab.adb("start-server")
    adbserver.connect(rehearsed.phone.serial)


def second_run(rehearsed: Rehearsed) -> None:
    """Another harness asks for the same phone."""
    suite = rehearsed.bench.suite("body", **_QUICK)
    rehearsed.others.append(
        rehearsed.bench("run", suite, "--out", "second", "--clusters", "4-7", "--device", rehearsed.phone.serial)
    )


def second_name(rehearsed: Rehearsed) -> None:
    """Another harness asks for the same phone by another serial."""
    serial = next(s for s in rehearsal.put_on(rehearsed.phone, "twin").serials if s != rehearsed.phone.serial)
    suite = rehearsed.bench.suite("body", **_QUICK)
    rehearsed.others.append(rehearsed.bench("run", suite, "--out", "second", "--clusters", "4-7", "--device", serial))


def restore_unauthorized(rehearsed: Rehearsed) -> None:
    """The host is killed; its settings are to be put back while the phone does not accept it."""
    kill_host(rehearsed)
    rehearsed.began.process.wait()
    rehearsed.put_on("state=unauthorized")
    rehearsed.others.append(rehearsed.bench("restore"))


def same_serial_number(rehearsed: Rehearsed) -> None:
    """Another phone of the model is there, with the same ro.serialno."""
    lab = rehearsed.bench.lab
    serialno = lab.shell(rehearsed.phone, "getprop ro.serialno")
    other = lab.up("pixel-3", properties={"ro.serialno": serialno})
    rehearsed.undo.append(lambda: lab.down(other))
    rehearsed.argv += ["--device", other.serial]


def run_again(rehearsed: Rehearsed) -> None:
    """The host is killed, and another run is begun: the first one's programs are still there."""
    kill_host(rehearsed)
    rehearsed.began.process.wait()
    suite = rehearsed.bench.suite("body", **_QUICK)
    rehearsed.others.append(
        rehearsed.bench("run", suite, "--out", "second", "--clusters", "4-7", "--device", rehearsed.phone.serial)
    )


def small_disk(rehearsed: Rehearsed) -> None:
    """The run directory has a disk of its own."""
    rehearsed.bench.run.path.mkdir()
    namespaces.mount("harness-test", rehearsed.bench.run.path, "tmpfs", options="size=8m")


def fill_disk(rehearsed: Rehearsed) -> None:
    """That disk is full, until the fault is over."""
    filler = rehearsed.bench.run.path / ".filler"
    rehearsed.undo.append(filler.unlink)
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def shown(text: str, says: str) -> str:
    """The line of what was said that the expression is in, else the last one: the same each time, fit for a table."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _PROGRESS.search(line)]
    hit = next((line for line in lines if says and re.search(says, line)), lines[0] if lines else "")
    hit = re.sub(r"127\.0\.0\.1:\d+", "PHONE", hit)
    hit = re.sub(r"/(?:tmp|var)/\S*?/run\b", "run", hit)
    hit = re.sub(r"\b(?:VP)?[0-9A-F]{10,}\b|\b[0-9a-f]{8,}\b", "ID", hit)
    hit = re.sub(r"\b\d+(?:\.\d+)? ?(?:s|ms|MB|bytes)\b", "N", hit)
    return hit[:180]
