"""A whole run: from a request and the devices found to a run directory with its report and an exit code."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from harness.control import settings
from harness.devices.base import Attached, Device
from harness.devices.phone_id import PhoneId
from harness.errors import ExitCode, HarnessError, NoDeviceError, UsageError, WrongDevice, worst
from harness.measure import manifest
from harness.measure.campaign import Programs, build_programs, check_clusters, measure_all, named
from harness.measure.leftover import is_complete, nothing_left, unmeasured, words
from harness.measure.request import DeviceOutcome, Request
from harness.measure.tables import check_kept, find_tables, keep_tables
from harness.store.journal import utc_now
from harness.store.progress import done_by_cluster
from harness.store.rundir import RunDir, new_run_dir, point_latest, slug

Say = Callable[[str], None]
Stopping = Callable[[], AbstractContextManager[threading.Event]]


@dataclass
class RunResult:
    """What a run left."""

    directory: Path
    outcomes: list[DeviceOutcome]
    code: ExitCode
    seconds: dict[str, float] = field(default_factory=dict)  # by phase
    messages: list[str] = field(default_factory=list)
    something_is_missing: bool = True  # --resume has something to measure
    touched: bool = True  # the run directory has changed: its report is made again


def usable(attached: Attached, require: int | None, say: Say) -> list[Device]:
    """The devices to measure. Raises NoDeviceError where there are none, or fewer than ``require``."""
    for bad in attached.unusable:
        say(f"{bad.serial}: {bad.state}: {bad.remedy}")
    if not attached.devices:
        if attached.unusable:
            states = "; ".join(f"{bad.serial} is {bad.state}: {bad.remedy}" for bad in attached.unusable)
            raise NoDeviceError(f"no usable device: {states}", "or measure this machine: --device local")
        raise NoDeviceError(
            "no phone is attached", "attach one with USB debugging on, or measure this machine: --device local"
        )
    if require is not None and len(attached.devices) < require:
        count = len(attached.devices)
        raise NoDeviceError(
            f"{count} usable device{'s' * (count != 1)}, {require} required", "attach more, or lower --require"
        )
    return list(attached.devices)


def start(
    request: Request, attached: Attached, out: Path | None, require: int | None, stopping: Stopping, say: Say
) -> RunResult:
    """Makes a new run directory and measures into it. ``stopping`` gives the event that ends measuring in order."""
    found = usable(attached, require, say)
    check_clusters(found, request)
    devices = named(found)
    tables = find_tables(request, devices, say)
    with new_run_dir(out, request.suite) as run:
        programs, compile_s = _build(found, request, say)
        names, argv = [name for name, _ in devices], _argv(attached, devices)
        run.write_manifest(manifest.new(request, names, programs, argv, keep_tables(run, tables)))
        point_latest(run)
        return _measure(run, request, devices, programs, compile_s, bool(attached.unusable), stopping)


def _argv(attached: Attached, devices: Sequence[tuple[str, Device]]) -> list[str]:
    """The command line with names for serial numbers: those stand in device.json only."""
    names = {bad.serial: f"({bad.state} phone)" for bad in attached.unusable}
    names |= {device.serial: name for name, device in devices if device.identity.kind != "local"}
    argv = sys.argv
    for serial in sorted(names, key=len, reverse=True):
        argv = [argument.replace(serial, names[serial]) for argument in argv]
    return argv


def resume(
    run: RunDir, attached: Attached, ndk: Path | None, require: int | None, stopping: Stopping, say: Say
) -> RunResult:
    """Measures what is missing of a run, on its own devices."""
    with run.lock():
        kept = run.manifest()
        request = manifest.request_of(kept, ndk)
        check_kept(run)
        devices, strangers = _own(run, usable(attached, require, say))
        for stranger in strangers:
            say(f"{stranger.message}\n  {stranger.remedy}")
        _follow(run, devices)
        here = dict(devices)
        missing = [name for name in kept.devices if name not in here and not is_complete(run, name, request)]
        for name in missing:
            say(f"{name}: not attached; {_missing_of(run, name, request)}")
        programs, compile_s = _build([device for _, device in devices], request, say)
        for abi, program in programs.by_abi.items():
            if kept.build_id(abi) not in (None, program.build_id):
                raise UsageError(
                    f"{run.path}: convbench for {abi} is not the one that measured "
                    f"({str(kept.build_id(abi))[:12]}, now {program.build_id[:12]})",
                    "use the sources and the toolchain of the run (manifest.json), or start a new run",
                )
        run.update_manifest(status="running")
        return _measure(run, request, devices, programs, compile_s, bool(missing or strangers), stopping)


def finished(run: RunDir) -> RunResult | None:
    """What the run left, where nothing is missing of it: neither its times nor its devices are touched. Else None."""
    if not nothing_left(run, manifest.request_of(run.manifest(), None)):
        return None
    outcomes: list[DeviceOutcome] = []
    _add_faults_on_record(run, outcomes)
    code = worst([code for outcome in outcomes for code in outcome.codes])
    if code != run.manifest().exit_code:
        return None  # it failed of something else, which may be gone
    messages = ["nothing missing", *(f"{o.name}: {m}" for o in outcomes for m in o.messages)]
    return RunResult(run.path, outcomes, code, {}, messages, something_is_missing=False, touched=False)


def _own(run: RunDir, found: Sequence[Device]) -> tuple[list[tuple[str, Device]], list[WrongDevice]]:
    """The devices of a run by their names in it, whatever their addresses; and what passes for one of them and is not.

    Raises WrongDevice where there are only such ones, NoDeviceError where there is none at all.
    """
    owners = manifest.owners(run)
    devices: dict[str, Device] = {}
    others: list[Device] = []
    for device in found:
        phone = PhoneId.of(device.identity)
        name = next((name for name, owner in owners.items() if owner is not None and owner.is_same(phone)), None)
        if name is None:
            others.append(device)
        else:
            devices.setdefault(name, device)
    # A device that was killed before its first step has no device.json yet: its model's name must do.
    devices |= {n: d for n, d in named(found) if d in others and n in owners and owners[n] is None}
    missing = [(name, owner) for name, owner in owners.items() if owner is not None and name not in devices]
    strangers = [
        WrongDevice(
            f"{name}: the phone that was measured is {owner}; the one that is attached is {PhoneId.of(d.identity)}",
            f"attach the first to go on with {run.path}, which was left as it is; the second needs a run of its own",
        )
        for name, owner in missing
        for d in others
        if d not in devices.values() and (d.serial == owner.address or slug(d.identity.model) == slug(owner.model))
    ]
    if not devices and strangers:
        raise strangers[0]
    if not devices:
        raise NoDeviceError(f"none of the run's devices is attached: {', '.join(sorted(owners))}", "attach one of them")
    return list(devices.items()), strangers


def _follow(run: RunDir, devices: Sequence[tuple[str, Device]]) -> None:
    """A phone that has another address now is put back there what the run left changed."""
    owners = manifest.owners(run)
    for name, device in devices:
        owner = owners[name]
        if owner is not None and owner.address != device.serial:
            settings.follow(owner.address, device.serial, run.device(name).settings)


def _missing_of(run: RunDir, name: str, request: Request) -> str:
    left = unmeasured(run, name, request)
    layers = [layer.name for layer in request.layers]
    parts = [f"cluster {label}: {words(jobs, layers)}" for label, jobs in left.items()]
    return f"not measured: {'; '.join(parts)}" if parts else "what is missing of it stays missing"


def _build(devices: Sequence[Device], request: Request, say: Say) -> tuple[Programs, float]:
    began = time.monotonic()
    programs = build_programs(devices, request, say)
    return programs, time.monotonic() - began


def _measure(
    run: RunDir,
    request: Request,
    devices: Sequence[tuple[str, Device]],
    programs: Programs,
    compile_s: float,
    some_unusable: bool,
    stopping: Stopping,
) -> RunResult:
    began = time.monotonic()
    result = RunResult(run.path, [], ExitCode.INFRASTRUCTURE, {"compile": compile_s})
    with stopping() as stop:
        try:
            result.outcomes = measure_all(devices, run, request, programs, stop)
            _add_faults_on_record(run, result.outcomes)
            result.code = _code(result.outcomes, some_unusable, stop)
            unfinished = any(outcome.unfinished for outcome in result.outcomes)
            result.something_is_missing = unfinished or some_unusable or stop.is_set()
        finally:
            result.seconds["measure"] = time.monotonic() - began
            result.messages = [f"{o.name}: {m}" for o in result.outcomes for m in o.messages]
            try:
                _close(run, result, stop)
            except HarnessError as error:
                result.messages.append(str(error))
                result.code = worst([result.code, error.exit_code])
    return result


def _add_faults_on_record(run: RunDir, outcomes: list[DeviceOutcome]) -> None:
    """Wrong results and crashes of earlier attempts count as well: the run is judged, not its last attempt."""
    known = {outcome.name: outcome for outcome in outcomes}
    for name in run.manifest().devices:
        faults = [fault for done in done_by_cluster(run.device(name).records).values() for fault in done.faults]
        if faults and name not in known:
            known[name] = DeviceOutcome(name)
            outcomes.append(known[name])
        for fault in faults:
            known[name].fault(fault)


def _code(outcomes: Sequence[DeviceOutcome], some_unusable: bool, stop: threading.Event) -> ExitCode:
    codes = [code for outcome in outcomes for code in outcome.codes]
    if some_unusable:
        codes.append(ExitCode.INFRASTRUCTURE)
    if stop.is_set():
        codes.append(ExitCode.INTERRUPTED)
    return worst(codes)


def _close(run: RunDir, result: RunResult, stop: threading.Event) -> None:
    status = "interrupted" if stop.is_set() else "done" if result.code == ExitCode.DONE else "failed"
    previous = run.manifest().seconds
    seconds = {phase: round(previous.get(phase, 0.0) + s, 2) for phase, s in result.seconds.items()}
    run.update_manifest(status=status, finished=utc_now(), exit_code=int(result.code), seconds=seconds)
