"""Tuned tables: on each device and cluster, which algorithm and schedule is best for each layer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.control.settings import applied
from harness.devices.base import Device
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.measure.admission import admitted
from harness.measure.called import Named, named
from harness.measure.campaign import check_clusters, in_turn
from harness.measure.clusters import Target, done_without, out_of_reach, planned, targets
from harness.measure.context import Context, Work
from harness.measure.once.convbench import NO_EVENTS, Convbench, convbench, held
from harness.measure.once.plan import once_plan, tune_deadline_s
from harness.measure.outcome import DeviceOutcome, Results, code_of
from harness.measure.programs import build_programs
from harness.measure.request import Request
from harness.measure.stop import is_timeout
from harness.measure.tables import FIRST_WORD, table_file
from harness.store.journal import write_atomically
from harness.store.rundir import slug

_SHORTEST_NS, _LONGEST_NS = 1e-3, 1e18  # of a call, as in records.jsonl


@dataclass(frozen=True)
class TunedLayer:
    """What is best for a layer; times in nanoseconds a call, None where the time was too short for any."""

    cluster: str
    layer: str
    model: str  # auto's choice without a table
    best: str
    model_ns: float | None
    best_ns: float | None

    @property
    def ratio(self) -> float | None:
        """How many times faster the best is than the model's choice: at least 1."""
        return self.model_ns / self.best_ns if self.model_ns and self.best_ns else None


@dataclass
class Tuned(DeviceOutcome):
    """What tuning a device gave."""

    layers: list[TunedLayer] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # "layer: reason"
    tables: list[Path] = field(default_factory=list)

    def take(self, cluster: str, said: bytes) -> bool:
        """Reads convbench's lines; whether the last one is there."""
        end = None
        for line in said.splitlines():
            try:
                value = json.loads(line)
                if value["type"] == "tuned":
                    times = (_number(value["model_ns"]), _number(value["best_ns"]))
                    names = (str(value["layer"]), str(value["model"]), str(value["best"]))
                    self.layers.append(TunedLayer(cluster, *names, *times))
                elif value["type"] == "skip":
                    self.skipped.append(f"{value['layer']}: {value['reason']}")
                elif value["type"] == "end":
                    end = str(value["reason"])
            except (ValueError, KeyError, TypeError, RecursionError):
                continue  # cut short, or a message
        if end == "deadline":
            self.fail(ExitCode.INFRASTRUCTURE, f"cluster {cluster}: convbench tune reached its deadline before its end")
        return end is not None and end != "error"

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            **super().as_json(),
            "layers": [{**asdict(each), "ratio": each.ratio} for each in self.layers],
            "skipped": self.skipped,
            "tables": [str(path) for path in self.tables],
        }


def tune_all(context: Context, budget_s: float, out: Path) -> Results[Tuned]:
    """Tunes all devices, phones in parallel, this machine after them. ``budget_s``: seconds for each layer.

    Raises UsageError where ``out`` cannot be written or has such a table, or no device has a cluster of the request.
    """
    context, admission = admitted(context)
    request, devices = context.request, context.usable()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}", "name a folder of your own") from error
    check_clusters(devices, request)
    pairs = named(devices)
    _check_new(pairs, request, out)
    programs = build_programs(devices, request, context.say)
    with context.stopping() as stop:
        work = admission.work(context, pairs, programs, stop)
        done = in_turn(pairs, lambda name, device: _Tuning(name, device, work, budget_s, out).perform(), work)
        code = code_of(done, some_unusable=context.some_unusable, stop=stop)
        return Results(done, code, context.attached.unusable, is_timeout(stop))


def _check_new(pairs: Sequence[Named], request: Request, out: Path) -> None:
    """A table is made whole: tuning a few layers more must not cost those of an earlier one."""
    for name, device in pairs:
        for cluster in planned(device.topology(), request.cpus):
            table = table_file(out, name, cluster.label)
            if table.exists():
                raise UsageError(f"--out {out}: {table} is there already", "name another folder, or remove the table")


class _Tuning:
    """One device's part."""

    def __init__(self, name: str, device: Device, work: Work, budget_s: float, out: Path) -> None:
        self._raw = device
        self._work = work
        self._budget_s = budget_s
        self._out = out
        self._run_id = f"tune-{slug(work.request.suite)}-{secrets.token_hex(3)}"
        self._done = Tuned(name)

    def perform(self) -> Tuned:
        done, work = self._done, self._work
        with done.noting(), held(self._raw, done, work, self._run_id) as how, ExitStack() as stack:
            folder = self._out / done.name
            folder.mkdir(parents=True, exist_ok=True)
            device = how.device
            topology = device.topology()
            clusters = planned(topology, work.request.cpus)
            not_missed = done_without(topology, clusters, work.request.allow)
            for label, why in out_of_reach(topology, clusters).items():
                if label not in not_missed:
                    done.fail(ExitCode.INFRASTRUCTURE, f"cluster {label} not tuned: {why}")
            if device.identity.capabilities.has_settings:
                wanted, stamp = work.request.policy.settings, partial(done.stamp, events=NO_EVENTS)
                stack.enter_context(applied(device, wanted, folder / "settings.jsonl", stamp))
                how.check_mended(work, stamp)
            program = stack.enter_context(convbench(device, self._run_id, work, done))
            for target in targets(topology, clusters):
                if not work.stop.is_set():
                    self._cluster(program, target)
        return done

    def _cluster(self, program: Convbench, target: Target) -> None:
        done, request, label = self._done, self._work.request, target.cluster.label
        deadline_s = tune_deadline_s(request, program.device.identity, self._budget_s)
        plan = once_plan(request, target, self._run_id, program.program, deadline_s, self._budget_s)
        remote = f"{program.folder}/{label}.tuned"
        program.run("tune", plan, deadline_s, lambda said: done.take(label, said), "--out", remote, of=f"-{label}")
        table = program.device.read_from(remote, 0)
        if table.startswith(FIRST_WORD):
            file = table_file(self._out, done.name, label)
            write_atomically(file, table)
            done.tables.append(file)
        else:
            done.fail(ExitCode.INFRASTRUCTURE, f"cluster {label}: convbench tune brought no table")


def _number(value: object) -> float | None:
    """A time of a call, within the bounds of those in records."""
    if isinstance(value, int | float) and _SHORTEST_NS <= value <= _LONGEST_NS:
        return float(value)
    return None
