"""Correctness without timing: every output of every algorithm against a double-precision reference, on the device."""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.control.lease import leased
from harness.devices.base import Device
from harness.errors import ExitCode, HarnessError, UsageError, worst
from harness.measure.campaign import Programs, build_programs, named
from harness.measure.clusterplan import verify_plan
from harness.measure.clusters import targets
from harness.measure.phone import Installed
from harness.measure.request import Request
from harness.store import records
from harness.store.journal import EventLog, write_atomically
from harness.store.recordsfile import parsed
from harness.store.rundir import slug

_DEADLINE_S = 3600.0
_DUMPED = (".npy", ".json")


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

    def take(self, record: records.Record | str) -> None:
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
        return list(pool.map(lambda pair: _verify(pair[0], pair[1], request, programs, dump, stop), named(devices)))


def code_of(results: Sequence[Verified], *, some_unusable: bool, stopped: bool) -> ExitCode:
    """The exit code of a check."""
    codes = [code for each in results for code in each.codes]
    codes += [ExitCode.INFRASTRUCTURE] * some_unusable + [ExitCode.INTERRUPTED] * stopped
    return worst(codes)


def _verify(
    name: str, device: Device, request: Request, programs: Programs, dump: Path | None, stop: threading.Event
) -> Verified:
    done = Verified(name)
    try:
        with leased(device.serial):
            _on_device(done, device, request, programs, dump, stop)
    except HarnessError as error:
        done.fail(error.exit_code, str(error))
    return done


def _on_device(
    done: Verified, device: Device, request: Request, programs: Programs, dump: Path | None, stop: threading.Event
) -> None:
    target = targets(device.topology(), None)[-1]
    folder = None if dump is None else dump / done.name
    run_id = f"verify-{slug(request.suite)}-{secrets.token_hex(3)}"
    installed = Installed(device, run_id, EventLog(Path("/dev/null")))
    try:
        installed.install(programs.of(device))
        plan = verify_plan(request, target, run_id, installed.program)
        _push_text(device, plan, f"{installed.folder}/verify.plan", run_id)
        argv = [installed.program, "verify", f"{installed.folder}/verify.plan"]
        if folder is not None:
            device.make_dir(f"{installed.folder}/dump")
            argv += ["--dump", f"{installed.folder}/dump"]
        process = device.spawn(argv, cwd=installed.folder, output=f"{installed.folder}/verify.out")
        while device.alive(process) and not stop.wait(0.3):
            pass
        device.kill(process)
        said = device.read_from(f"{installed.folder}/verify.out", 0)
        _take(done, said, stop)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for file in device.list_dir(f"{installed.folder}/dump"):
                # Names come from the device: only a plain name of a kind we know leaves the folder.
                if "/" not in file and file.endswith(_DUMPED) and not file.startswith("."):
                    device.pull(f"{installed.folder}/dump/{file}", folder / file)
    finally:
        installed.remove()


def _take(done: Verified, said: bytes, stop: threading.Event) -> None:
    ended = False
    for record in parsed(said):
        done.take(record) if not isinstance(record, str) else None
        ended = ended or isinstance(record, records.End)
    if not ended and not stop.is_set():
        words = said.decode("utf-8", "replace").strip()[-300:]
        done.fail(ExitCode.INFRASTRUCTURE, f"convbench verify stopped without an end: {words or 'it said nothing'}")


def _push_text(device: Device, text: str, target: str, run_id: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / run_id
        write_atomically(file, text.encode())
        device.push(file, target)
