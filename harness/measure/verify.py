"""Correctness without timing: every output of every algorithm against a double-precision reference, on the device."""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.control.lease import host_cpus, leased
from harness.devices.base import Device, RemoteProcess
from harness.errors import DeviceError, ExitCode, HarnessError, UsageError, worst
from harness.measure.campaign import Programs, build_programs, named
from harness.measure.clusterplan import verify_deadline_s, verify_plan
from harness.measure.clusters import targets
from harness.measure.patience import patient
from harness.measure.phone import Installed
from harness.measure.request import Request
from harness.store import records
from harness.store.journal import EventLog, write_atomically
from harness.store.recordsfile import parsed
from harness.store.rundir import slug

_GRACE_S = 60.0  # beyond the deadline that convbench keeps by itself
_POLL_S = 0.3
_DUMPED = (".npy", ".json")
_NOWHERE = Path("/dev/null")  # a check leaves no journal


@dataclass
class Verified:
    """What a device's check gave."""

    name: str
    checked: int = 0
    skipped: int = 0
    worst_error: float = 0.0  # largest error over its bound
    wrong: list[str] = field(default_factory=list)
    codes: list[ExitCode] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    ended: bool = False  # convbench came to its end

    def take(self, record: records.Record) -> None:
        """Counts a record."""
        if isinstance(record, records.Check):
            self.worst_error = max(self.worst_error, record.error_over_bound or 0.0)
            if record.ok:
                self.checked += 1
            else:
                self.wrong.append(f"{record.variant} on {record.layer}")
                self.fail(ExitCode.WRONG_RESULT, f"{record.variant} on {record.layer}: wrong result")
        elif isinstance(record, records.Skip):
            self.skipped += 1
        elif isinstance(record, records.Error):
            self.fail(ExitCode.INFRASTRUCTURE, f"{record.variant} on {record.layer}: {record.reason}")
        elif isinstance(record, records.End):
            self.ended = True
            if record.reason == "deadline":
                self.fail(ExitCode.INFRASTRUCTURE, "convbench verify reached its deadline before its end")

    def fail(self, code: ExitCode, message: str) -> None:
        """Notes a failure."""
        self.codes.append(code)
        self.messages.append(message)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "device": self.name,
            "right": self.checked,
            "wrong": self.wrong,
            "skipped": self.skipped,
            "worst_error_over_bound": self.worst_error,
            "messages": self.messages,
        }


def verify_all(
    devices: Sequence[Device],
    request: Request,
    dump: Path | None,
    stop: threading.Event,
    say: Callable[[str], None],
) -> list[Verified]:
    """Checks all devices, phones in parallel. Raises UsageError where ``dump`` cannot be written."""
    if dump is not None:
        try:
            dump.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--dump {dump}: {error.strerror}", "name a folder of your own") from error
    programs = build_programs(devices, request, say)
    with ThreadPoolExecutor(max_workers=len(devices)) as pool:
        pairs = named(devices)
        return list(pool.map(lambda pair: _verify(pair[0], pair[1], request, programs, dump, stop, say), pairs))


def code_of(results: Sequence[Verified], *, some_unusable: bool, stopped: bool) -> ExitCode:
    """The exit code of a check."""
    codes = [code for each in results for code in each.codes]
    codes += [ExitCode.INFRASTRUCTURE] * some_unusable + [ExitCode.INTERRUPTED] * stopped
    return worst(codes)


def _verify(
    name: str,
    device: Device,
    request: Request,
    programs: Programs,
    dump: Path | None,
    stop: threading.Event,
    say: Callable[[str], None],
) -> Verified:
    done = Verified(name)
    try:
        with leased(device.serial), host_cpus(device.identity, stop, lambda text: say(f"{name}: {text}")):
            _on_device(done, patient(device, EventLog(_NOWHERE), stop), request, programs, dump, stop)
    except HarnessError as error:
        done.fail(error.exit_code, str(error))
    return done


def _on_device(
    done: Verified, device: Device, request: Request, programs: Programs, dump: Path | None, stop: threading.Event
) -> None:
    target = targets(device.topology(), None)[-1]
    folder = None if dump is None else dump / done.name
    run_id = f"verify-{slug(request.suite)}-{secrets.token_hex(3)}"
    installed = Installed(device, run_id, EventLog(_NOWHERE))
    deadline_s = verify_deadline_s(request, device.identity)
    process: RemoteProcess | None = None
    try:
        installed.install(programs.of(device))
        plan = verify_plan(request, target, run_id, installed.program, deadline_s)
        _push_text(device, plan, f"{installed.folder}/verify.plan", run_id)
        argv = [installed.program, "verify", f"{installed.folder}/verify.plan"]
        if folder is not None:
            device.make_dir(f"{installed.folder}/dump")
            argv += ["--dump", f"{installed.folder}/dump"]
        process = device.spawn(argv, cwd=installed.folder, output=f"{installed.folder}/verify.out")
        ended = _wait(device, process, stop, deadline_s + _GRACE_S)
        device.kill(process)
        said = device.read_from(f"{installed.folder}/verify.out", 0)
        _take(done, said)
        if not ended:
            late = f"convbench verify had not ended after {deadline_s + _GRACE_S:.0f} s and was stopped"
            done.fail(ExitCode.INFRASTRUCTURE, late)
        elif not done.ended and not stop.is_set():
            words = said.decode("utf-8", "replace").strip()[-300:] or "it said nothing"
            done.fail(ExitCode.INFRASTRUCTURE, f"convbench verify stopped without an end: {words}")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for file in device.list_dir(f"{installed.folder}/dump"):
                # Names come from the device: only a plain name of a kind we know leaves the folder.
                if "/" not in file and file.endswith(_DUMPED) and not file.startswith("."):
                    device.pull(f"{installed.folder}/dump/{file}", folder / file)
    finally:
        _clean_up(done, installed, process)


def _wait(device: Device, process: RemoteProcess, stop: threading.Event, latest_s: float) -> bool:
    """Waits for the program's end or a stop; False where it took longer than ``latest_s`` seconds."""
    latest = time.monotonic() + latest_s
    while device.alive(process) and not stop.wait(_POLL_S):
        if time.monotonic() > latest:
            return False
    return True


def _clean_up(done: Verified, installed: Installed, process: RemoteProcess | None) -> None:
    """Leaves nothing running and no file, also after a start of which nobody knows whether it happened."""
    try:
        if process is not None:
            installed.device.kill(process)
        installed.stop_all()
        installed.remove()
    except DeviceError as error:
        done.fail(
            ExitCode.INFRASTRUCTURE,
            f"{installed.folder} may be left on the device: {error.message}\n  remove it when the device is back",
        )


def _take(done: Verified, said: bytes) -> None:
    for record in parsed(said):
        if not isinstance(record, str):
            done.take(record)


def _push_text(device: Device, text: str, target: str, run_id: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / run_id
        write_atomically(file, text.encode())
        device.push(file, target)
