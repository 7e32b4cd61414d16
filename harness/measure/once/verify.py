"""Correctness without timing: every output of every algorithm against a double-precision reference, on the device."""

from __future__ import annotations

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.devices.base import Device
from harness.errors import DeviceError, UsageError
from harness.exit_codes import ExitCode
from harness.measure.admission import admitted
from harness.measure.called import named
from harness.measure.clusters import targets
from harness.measure.context import Context, Work
from harness.measure.fitness import unfit
from harness.measure.once.convbench import NO_EVENTS, convbench, held
from harness.measure.once.plan import once_plan, verify_deadline_s
from harness.measure.outcome import DeviceOutcome, Results, code_of
from harness.measure.programs import build_programs
from harness.measure.stop import is_timeout
from harness.store import records
from harness.store.recordsfile import parsed
from harness.store.rundir import slug

_DUMPED = (".npy", ".json")


@dataclass
class Verified(DeviceOutcome):
    """What a device's check gave."""

    checked: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # by reason
    worst_error: float = 0.0  # largest error over its bound
    errors: dict[str, tuple[float, float]] = field(default_factory=dict)  # of a variant, over all layers: see as_json
    wrong: list[str] = field(default_factory=list)
    ended: bool = False  # convbench came to its end
    _hindered: dict[tuple[str, str], str] = field(default_factory=dict)  # ended from outside and not done since

    @property
    def was_not_begun(self) -> bool:
        """Whether nothing came of it."""
        return not (self.ended or self.checked or self.wrong or self.skipped)

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
            if record.max_error is not None:  # else not told, as by a checksum
                relative, over_bound = self.errors.get(record.variant, (0.0, 0.0))
                self.errors[record.variant] = (
                    max(relative, record.max_error),
                    max(over_bound, record.error_over_bound or 0.0),
                )
            self._hindered.pop(_subject(record), None)
            if record.ok:
                self.checked += 1
            else:
                self.wrong.append(f"{record.variant} on {record.layer}")
                self.note_wrong(record)
        elif isinstance(record, records.Skip):
            self._hindered.pop(_subject(record), None)
            self.skipped[record.reason] += 1
        elif isinstance(record, records.Error):
            message = f"{record.variant} on {record.layer}: {record.reason}"
            if record.external:
                self._hindered[_subject(record)] = message
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
            **super().as_json(),
            "right": self.checked,
            "wrong": self.wrong,
            "skipped": self.skipped.total(),
            "skip_reasons": dict(self.skipped),
            "worst_error_over_bound": self.worst_error,
            "errors": {
                variant: {"relative": relative, "over_bound": over_bound}
                for variant, (relative, over_bound) in self.errors.items()
            },
        }


def _subject(record: records.Check | records.Skip | records.Error) -> tuple[str, str]:
    """Layer and what was asked for: what runs is not known yet when a first try fails."""
    return (record.layer, record.asked)


def verify_all(context: Context, dump: Path | None) -> Results[Verified]:
    """Checks all devices, phones in parallel. Raises UsageError where ``dump`` cannot be written."""
    context, admission = admitted(context)
    devices = context.usable()
    if dump is not None:
        try:
            dump.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--dump {dump}: {error.strerror}", "name a folder of your own") from error
    pairs = named(devices)
    lacking = unfit(pairs, context.request.workers)
    programs = build_programs(devices, context.request, context.say)
    with context.stopping() as stop, ThreadPoolExecutor(max_workers=len(devices)) as pool:
        work = admission.work(context, pairs, programs, stop, lacking)
        done = list(pool.map(lambda pair: _verify(pair[0], pair[1], work, dump), pairs))
        code = code_of(done, some_unusable=context.some_unusable, stop=stop)
        return Results(done, code, context.attached.unusable, is_timeout(stop))


def _verify(name: str, device: Device, work: Work, dump: Path | None) -> Verified:
    done = Verified(name)
    run_id = f"verify-{slug(work.request.suite)}-{secrets.token_hex(3)}"
    with done.noting(), held(device, done, work, run_id) as how:
        mine = how.device
        how.check_mended(work, partial(done.stamp, events=NO_EVENTS))  # nothing is set right for a check
        if (why := work.unfit.get(name)) is not None:
            raise why
        topology = mine.topology()
        usable = targets(topology, topology.clusters)
        if not usable:
            raise DeviceError("no CPU of the device is to be had", "wait until it lets the shell use one")
        deadline_s = verify_deadline_s(work.request, mine.identity)
        with convbench(mine, run_id, work, done) as program:
            request = work.request.on(work.programs.abi_of(mine))
            plan = once_plan(request, usable[-1], run_id, program.program, deadline_s)
            options: tuple[str, ...] = ()
            if dump is not None:
                mine.make_dir(f"{program.folder}/dump")
                options = ("--dump", f"{program.folder}/dump")
            program.run("verify", plan, deadline_s, done.take_all, *options)
            if dump is not None:
                _bring(mine, f"{program.folder}/dump", dump / name)
    return done


def _bring(device: Device, remote: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in device.list_dir(remote):
        # Names come from the device: only a plain name of a kind we know leaves the folder.
        if "/" not in file and file.endswith(_DUMPED) and not file.startswith("."):
            device.pull(f"{remote}/{file}", folder / file)
