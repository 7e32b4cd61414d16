"""A whole run: from a request and the devices found to a run directory with its report and an exit code."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from harness.devices.base import Attached, Device, Key, Unusable, key_of
from harness.devices.phone_id import PhoneId
from harness.digest import sha256_or_none
from harness.errors import DeviceError, HarnessError, NoDeviceError, UsageError, WrongDevice
from harness.exit_codes import ExitCode, worst
from harness.measure.admission import Admission, admit, admitted, mended
from harness.measure.called import Named, is_name_of, named
from harness.measure.campaign import check_clusters, in_turn
from harness.measure.context import Context
from harness.measure.fitness import asked_here, unfit
from harness.measure.other_builds import check_others, keep_others, with_others
from harness.measure.outcome import code_of
from harness.measure.programs import Programs, build_programs
from harness.measure.request import Request
from harness.measure.run import manifest
from harness.measure.run.joining import Joining, Namer
from harness.measure.run.kept_workers import check_unchanged
from harness.measure.run.left_out import left_out, merged
from harness.measure.run.left_out import name_of as name_of_unusable
from harness.measure.run.leftover import is_complete, nothing_left, unmeasured, words
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress, Display
from harness.measure.run.session import Session
from harness.measure.stop import TIMED_OUT, is_timeout
from harness.measure.tables import check_kept, find_tables, keep_tables
from harness.model.condition import Condition
from harness.store.journal import utc_now
from harness.store.manifest import KeptScheduler, LeftOut, Manifest
from harness.store.replacing import recover
from harness.store.rundir import RunDir, new_run_dir, point_latest, slug


@dataclass
class RunResult:
    """What a run left."""

    directory: Path
    outcomes: list[SessionOutcome] = field(default_factory=list)
    code: ExitCode = ExitCode.INFRASTRUCTURE
    seconds: dict[str, float] = field(default_factory=dict)  # by phase
    messages: list[str] = field(default_factory=list)
    something_is_missing: bool = True  # --resume has something to measure
    unusable: Sequence[Unusable] = ()  # devices that were meant and could not be measured
    names: Mapping[str, str] = field(default_factory=dict)  # of those of them that the run has, by serial
    left_before: Sequence[LeftOut] = ()  # those of earlier attempts that this one does not measure either
    absent: set[str | Key] = field(default_factory=set)  # names or keys of devices that were meant and not to be had
    some_unusable: bool = False  # they did not come either
    seed: str = ""  # of the request: a text, since readers of JSON may know no such number
    timed_out: bool = False  # by --timeout, before all was measured
    programs: Programs | None = None  # that it was measured with, where they were built in this process
    touched: bool = True  # the run directory has changed: its report is made again


def start(context: Context, out: Path | None) -> RunResult:
    """Makes a new run directory and measures into it; ``out``: None for one named by the time."""
    context, admission = admitted(context) if context.elsewhere is None else (context, Admission())
    request, found = context.request, context.usable()
    check_clusters(found, request)
    devices = named(found)
    tables = find_tables(request, devices, context.say)
    lacking = _lacking(devices, context)
    with new_run_dir(out, request.suite) as run:
        programs, compile_s = _build(found, context)
        began = time.monotonic()
        others = keep_others(run, request.against, programs.by_abi, request.ndk, context.say)
        compile_s += time.monotonic() - began
        request = replace(request, against=tuple(others))
        context = replace(context, request=request)
        programs = with_others(programs, run, request.against)
        names, argv = [name for name, _ in devices], _argv(context.attached, devices)
        unusable = context.attached.unusable
        tuned = keep_tables(run, tables)
        folder = "" if out else run.path.name
        made = manifest.new(request, names, programs, argv, tuned, left_out(unusable), folder)
        portable = [] if context.elsewhere is None else list(context.elsewhere.portable)
        run.write_manifest(made.model_copy(update={"portable": portable, "scheduler": _scheduler(context)}))
        point_latest(run)
        absent: set[str | Key] = {bad.key for bad in unusable}
        result = RunResult(run.path, seconds={"compile": compile_s}, absent=absent, seed=str(request.seed))
        result.unusable, result.programs = unusable, programs
        _measure(result, run, devices, programs, context, lacking, admission)
        return result


def _scheduler(context: Context) -> KeptScheduler | None:
    return None if context.elsewhere is None else context.elsewhere.scheduler


def _argv(attached: Attached, devices: Sequence[Named]) -> list[str]:
    """The command line with names for serial numbers: those stand in device.json only."""
    shown = [(bad.key, f"({bad.state.partition(' (')[0]} phone)") for bad in attached.unusable]
    shown += [(key_of(device), name) for name, device in devices if device.identity.capabilities.has_secret_serial]
    names = {serial: name for key, name in shown for serial in (key[1], *attached.other_names.get(key, ()))}
    argv = sys.argv
    for serial in sorted(names, key=len, reverse=True):
        argv = [argument.replace(serial, names[serial]) for argument in argv]
    return argv


def resume(context: Context, run: RunDir, programs: Programs | None = None) -> RunResult:
    """Measures what is missing of a run, on its own devices; the request is the one of its manifest.

    ``programs``: what was built for these devices and measured just now, used again where it lies there unchanged:
    sources may have been edited since.
    """
    with run.lock():
        recover(run)
        kept, request = run.manifest(), context.request
        check_kept(run)
        check_unchanged(kept)
        check_others(run, request.against)
        devices, strangers = _own(run, context.usable())
        for stranger in strangers:
            context.say(f"{stranger.message}\n  {stranger.remedy}")
        own = devices
        devices, admission = _admitted(devices, context, run.run_id)
        here = dict(devices)
        lacking = _lacking(devices, context)
        missing = [name for name in kept.devices if name not in here and not is_complete(run, name, request)]
        for name in missing:
            context.say(f"{name}: not to be had; {_missing_of(run, name, request)}")
        compile_s = 0.0
        if programs is None or not _is_unchanged(kept, programs):
            programs, compile_s = _build([device for _, device in devices], context)
        for abi, program in programs.by_abi.items():
            if kept.build_id(abi) not in (None, program.build_id):
                raise UsageError(
                    f"{run.path}: convbench for {abi} is not the one that measured "
                    f"({str(kept.build_id(abi))[:12]}, now {program.build_id[:12]})",
                    "use the sources and the toolchain of the run (manifest.json), or start a new run",
                )
        programs = with_others(programs, run, request.against)
        run.update_manifest(status="running", allow=list(request.allow), scheduler=_scheduler(context))
        absent: set[str | Key] = {*missing, *(stranger.message for stranger in strangers)}
        result = RunResult(run.path, seconds={"compile": compile_s}, absent=absent, seed=str(request.seed))
        result.names = {bad.serial: name for name, d in own for bad in admission.refused if d.serial == bad.serial}
        result.names |= _addresses(run, missing)
        known = {each.name for each in kept.unusable}
        meant = [b for b in context.attached.unusable if b.serial in result.names or name_of_unusable(b) in known]
        result.unusable = (*meant, *admission.refused)
        result.left_before = [each for each in kept.unusable if each.name not in here]
        name_of = partial(_name_in, manifest.owners(run))
        _measure(result, run, devices, programs, context, lacking, admission, name_of)
        return result


def _admitted(devices: Sequence[Named], context: Context, own: str) -> tuple[list[Named], Admission]:
    """Those of the run's devices that may be measured. Raises NoDeviceError where none may."""
    if context.elsewhere is not None:
        return list(devices), Admission()
    request, seen = context.request, context.attached.conditions
    names, to_mend = {key_of(device): name for name, device in devices}, mended(request.policy)
    every = [device for _, device in devices]
    found = admit(every, request.allow, context.say, seen, to_mend, own=own, names=names)
    attached = replace(context.attached, devices=tuple(found.devices), unusable=tuple(found.refused))
    usable = replace(context, attached=attached, require=None).usable()
    return [(name, device) for name, device in devices if device in usable], found


def finished(run: RunDir) -> RunResult | None:
    """What the run left, where nothing is missing of it: neither its times nor its devices are touched. Else None."""
    if not nothing_left(run, manifest.request_of(run.manifest(), None)):
        return None
    outcomes = [_stamped(run, name) for name in run.manifest().devices]
    _add_faults_on_record(run, outcomes)
    known = run.manifest().exit_code
    code = worst([code_of(outcomes), *[ExitCode.TOO_LITTLE_DATA] * (known == ExitCode.TOO_LITTLE_DATA)])
    if code != known:
        return None  # it failed of something else, which may be gone
    messages = ["nothing missing", *(f"{o.name}: {m}" for o in outcomes for m in o.messages)]
    seed = str(run.manifest().seed)
    return RunResult(run.path, outcomes, code, {}, messages, something_is_missing=False, touched=False, seed=seed)


def note_code(result: RunResult, code: ExitCode) -> None:
    """The run's exit code, where its report found a worse one."""
    if code != result.code:
        RunDir(result.directory).update_manifest(exit_code=int(code))


def _stamped(run: RunDir, name: str) -> SessionOutcome:
    """What is on record of a device's conditions, each once as it was seen first."""
    found: dict[str, Condition] = {}
    for event in run.device(name).events.named("condition"):
        condition = Condition.from_json(event)
        if condition is not None:
            found.setdefault(condition.name, condition)
    return SessionOutcome(name, conditions=list(found.values()))


def _own(run: RunDir, found: Sequence[Device]) -> tuple[list[Named], list[WrongDevice]]:
    """The devices of a run by their names in it, whatever their addresses; and what passes for one of them and is not.

    Raises WrongDevice where there are only such ones, NoDeviceError where there is none at all.
    """
    owners = manifest.owners(run)
    devices: dict[str, Device] = {}
    others: list[Device] = []
    for device in found:
        name = _name_in(owners, device)
        if name is None:
            others.append(device)
        else:
            devices.setdefault(name, device)
    # A device that was killed before its first step has no device.json yet: its model's name must do.
    devices |= {n: d for n, d in named(found) if d in others and n in owners and owners[n] is None}
    for name in (n for n in run.manifest().portable if n not in devices and owners.get(n) is None):
        free = next((d for d in others if d not in devices.values() and is_name_of(name, d)), None)
        if free is not None:
            devices[name] = free
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


def _name_in(owners: Mapping[str, PhoneId | None], device: Device) -> str | None:
    """The name in a run of a device whose device.json it has."""
    phone = PhoneId.of(device.identity)
    return next((name for name, owner in owners.items() if owner is not None and owner.is_same(phone)), None)


def _addresses(run: RunDir, names: Iterable[str]) -> dict[str, str]:
    """The names of devices of the run by the address that each was measured by."""
    owners = manifest.owners(run)
    return {owner.address: name for name in names if (owner := owners.get(name)) is not None}


def _missing_of(run: RunDir, name: str, request: Request) -> str:
    left = unmeasured(run, name, request)
    layers = [layer.name for layer in request.own_layers]
    parts = [f"cluster {label}: {words(jobs, layers)}" for label, jobs in left.items()]
    return f"not measured: {'; '.join(parts)}" if parts else "what is missing of it stays missing"


def _is_unchanged(kept: Manifest, programs: Programs) -> bool:
    measured = {abi: info.get("sha256") for abi, info in kept.toolchain.items()}
    return all(measured.get(abi) == sha256_or_none(built.path) for abi, built in programs.by_abi.items())


def _lacking(devices: Sequence[Named], context: Context) -> dict[str, DeviceError]:
    """Those that cannot run a worker."""
    asked = asked_here if context.elsewhere is None else context.elsewhere.why_not
    return unfit(devices, context.request.workers, asked)


def _build(devices: Sequence[Device], context: Context) -> tuple[Programs, float]:
    began = time.monotonic()
    programs = build_programs(devices, context.request, context.say)
    return programs, time.monotonic() - began


def _measure(
    result: RunResult,
    run: RunDir,
    devices: Sequence[Named],
    programs: Programs,
    context: Context,
    lacking: Mapping[str, DeviceError],
    admission: Admission,
    name_of: Namer | None = None,
) -> None:
    """``name_of``: as in Joining. ``result.absent`` are the devices that were meant and not to be had at first."""
    began = time.monotonic()
    with context.stopping() as stop:
        work = admission.work(context, devices, programs, stop, lacking)
        joining = Joining(run, devices, _with_newcomers(context, programs), work, name_of, admission.refused)
        try:
            result.outcomes = _measure_all(run, devices, joining, context)
            _add_faults_on_record(run, result.outcomes)
            _note_absent(result, joining)
            unusable = result.some_unusable
            result.code = code_of(result.outcomes, some_unusable=unusable, stop=stop)
            unfinished = any(outcome.unfinished for outcome in result.outcomes)
            result.something_is_missing = unfinished or unusable or stop.is_set()
        finally:
            result.seconds["measure"] = time.monotonic() - began
            result.messages = [f"{o.name}: {m}" for o in result.outcomes for m in o.messages]
            if is_timeout(stop):
                result.timed_out = True
                result.messages.append(f"{TIMED_OUT} before all was measured")
            try:
                _close(run, result, stop)
            except HarnessError as error:
                result.messages.append(str(error))
                result.code = worst([result.code, error.exit_code])


def _with_newcomers(context: Context, programs: Programs) -> Context:
    """Without those that nothing was built for."""
    if context.newcomers is None or programs.has_one_for_phones:
        return context
    context.say("phones that are attached from now on do not join: no program was built for them")
    return replace(context, newcomers=None)


def _note_absent(result: RunResult, joining: Joining) -> None:
    """Who was not measured, of those that were meant at first and of those that were attached later."""
    came = {key_of(device) for _, device in joining.joined}
    names = {name_of_unusable(bad) for bad in result.unusable if bad.key in came}
    result.left_before = [each for each in result.left_before if each.name not in names]
    unusable = {bad.key: bad for bad in (*result.unusable, *joining.refused) if bad.key not in came}
    result.unusable = tuple(unusable.values())
    absent = result.absent | {bad.key for bad in joining.refused}
    result.some_unusable = bool(absent - came - {name for name, _ in joining.joined})


def _measure_all(run: RunDir, devices: Sequence[Named], joining: Joining, context: Context) -> list[SessionOutcome]:
    def shown(name: str, device: Device) -> DeviceProgress:
        return DeviceProgress(name, device.identity.mark, context.say)

    every = {name: shown(name, device) for name, device in devices}
    with Display(every, context.say, quiet=context.quiet) as display:
        if context.elsewhere is not None:

            def joined() -> list[Named]:
                found = joining()
                for name, device in found:
                    display.add(shown(name, device))
                return found

            return context.elsewhere.measure(run, devices, joining.work, every, joined)

        def measure(name: str, device: Device) -> SessionOutcome:
            progress = every.get(name) or display.add(shown(name, device))
            return Session(device, name, run, joining.work, progress).measure()

        return in_turn(devices, measure, joining.work, joining)


def _add_faults_on_record(run: RunDir, outcomes: list[SessionOutcome]) -> None:
    """Wrong results and crashes of earlier attempts count as well: the run is judged, not its last attempt."""
    known = {outcome.name: outcome for outcome in outcomes}
    for name in run.manifest().devices:
        faults = [fault for done in run.ledger.done(name).values() for fault in done.faults]
        if faults and name not in known:
            known[name] = SessionOutcome(name)
            outcomes.append(known[name])
        for fault in faults:
            known[name].fault(fault)


def _close(run: RunDir, result: RunResult, stop: threading.Event) -> None:
    status = "interrupted" if stop.is_set() else "done" if result.code == ExitCode.DONE else "failed"
    previous = run.manifest().seconds
    seconds = {phase: round(previous.get(phase, 0.0) + s, 2) for phase, s in result.seconds.items()}
    unusable = merged(result.left_before, left_out(result.unusable, result.names))
    run.update_manifest(
        status=status, finished=utc_now(), exit_code=int(result.code), seconds=seconds, unusable=unusable
    )
