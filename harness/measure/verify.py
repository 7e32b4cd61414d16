"""Correctness without timing: every output of every algorithm against a double-precision reference, on the device."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.control.lease import host_cpus, leased
from harness.devices.base import Device
from harness.errors import DeviceError, ExitCode, HarnessError, UsageError
from harness.measure.campaign import Programs, build_programs, named
from harness.measure.clusterplan import verify_deadline_s, verify_plan
from harness.measure.clusters import targets
from harness.measure.errand import NO_JOURNAL, Outcome, errand
from harness.measure.patience import patient
from harness.measure.request import Request
from harness.store import records
from harness.store.journal import EventLog
from harness.store.recordsfile import parsed
from harness.store.rundir import slug

_DUMPED = (".npy", ".json")


@dataclass
class Verified(Outcome):
    """What a device's check gave."""

    checked: int = 0
    skipped: int = 0
    worst_error: float = 0.0  # largest error over its bound
    wrong: list[str] = field(default_factory=list)
    ended: bool = False  # convbench came to its end
    _hindered: dict[tuple[str, str], str] = field(default_factory=dict)  # ended from outside and not done since

    def take_all(self, said: bytes) -> bool:
        """Counts all records; whether the last one is there."""
        for record in parsed(said):
            if not isinstance(record, str):
                self.take(record)
        for message in self._hindered.values():
            self.fail(ExitCode.INFRASTRUCTURE, message)
        return self.ended

    def take(self, record: records.Record) -> None:
        """Counts a record."""
        if isinstance(record, records.Check):
            self.worst_error = max(self.worst_error, record.error_over_bound or 0.0)
            self._hindered.pop(_subject(record, records.what_ran(record.variant)[0]), None)
            if record.ok:
                self.checked += 1
            else:
                self.wrong.append(f"{record.variant} on {record.layer}")
                self.fail(ExitCode.WRONG_RESULT, f"{record.variant} on {record.layer}: wrong result")
        elif isinstance(record, records.Skip):
            self._hindered.pop(_subject(record, record.algorithm), None)
            self.skipped += 1
        elif isinstance(record, records.Error):
            message = f"{record.variant} on {record.layer}: {record.reason}"
            if record.external:
                self._hindered[_subject(record, record.algorithm)] = message
            else:
                self.fail(ExitCode.INFRASTRUCTURE, message)
        elif isinstance(record, records.End):
            self.ended = True
            if record.reason == "deadline":
                self.fail(ExitCode.INFRASTRUCTURE, "convbench verify reached its deadline before its end")
            elif record.reason == "cpu":
                self.fail(ExitCode.INFRASTRUCTURE, "convbench verify stopped: its CPU was not to be had any more")

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


def _subject(record: records.Check | records.Skip | records.Error, algorithm: str) -> tuple[str, str]:
    """Layer and what was asked for: what runs is not known yet when a first try fails."""
    return (record.layer, records.asked_for(record.variant, algorithm, record.face))


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
            _on_device(done, patient(device, EventLog(NO_JOURNAL), stop), request, programs, dump, stop)
    except HarnessError as error:
        done.fail(error.exit_code, str(error))
    return done


def _on_device(
    done: Verified, device: Device, request: Request, programs: Programs, dump: Path | None, stop: threading.Event
) -> None:
    topology = device.topology()
    usable = targets(topology, topology.clusters)
    if not usable:
        raise DeviceError("no CPU of the device is to be had", "wait until it lets the shell use one")
    target = usable[-1]
    folder = None if dump is None else dump / done.name
    run_id = f"verify-{slug(request.suite)}-{secrets.token_hex(3)}"
    deadline_s = verify_deadline_s(request, device.identity)
    with errand(device, run_id, programs.of(device), done, stop) as here:
        plan = verify_plan(request, target, run_id, here.program, deadline_s)
        options: tuple[str, ...] = ()
        if folder is not None:
            device.make_dir(f"{here.folder}/dump")
            options = ("--dump", f"{here.folder}/dump")
        here.perform("verify", plan, deadline_s, done.take_all, *options)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for file in device.list_dir(f"{here.folder}/dump"):
                # Names come from the device: only a plain name of a kind we know leaves the folder.
                if "/" not in file and file.endswith(_DUMPED) and not file.startswith("."):
                    device.pull(f"{here.folder}/dump/{file}", folder / file)
