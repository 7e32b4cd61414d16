"""Tuned tables: on each device and cluster, which algorithm and schedule is best for each layer."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.control.lease import host_cpus, leased
from harness.control.settings import kept_awake
from harness.devices.base import Device
from harness.errors import ExitCode, HarnessError, UsageError
from harness.measure.campaign import LOCAL, Programs, build_programs, check_clusters, leave_measured_cpu, named
from harness.measure.clusterplan import tune_deadline_s, verify_plan
from harness.measure.clusters import Target, out_of_reach, planned, targets
from harness.measure.errand import NO_JOURNAL, Errand, Outcome, errand
from harness.measure.patience import patient
from harness.measure.request import Request
from harness.measure.tables import table_file
from harness.store.journal import EventLog, write_atomically
from harness.store.rundir import slug

_FIRST_WORD = b"indirectconv-tuned "


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
class Tuned(Outcome):
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
            except (ValueError, KeyError, TypeError):
                continue  # cut short, or a message
        if end == "deadline":
            self.fail(ExitCode.INFRASTRUCTURE, f"cluster {cluster}: convbench tune reached its deadline before its end")
        return end is not None and end != "error"

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "device": self.name,
            "layers": [{**asdict(each), "ratio": each.ratio} for each in self.layers],
            "skipped": self.skipped,
            "tables": [str(path) for path in self.tables],
            "messages": self.messages,
        }


def tune_all(
    devices: Sequence[Device],
    request: Request,
    budget_s: float,
    out: Path,
    stop: threading.Event,
    say: Callable[[str], None],
) -> list[Tuned]:
    """Tunes all devices, phones in parallel, this machine after them. ``budget_s``: seconds for each layer.

    Raises UsageError where ``out`` cannot be written or has such a table, or no device has a cluster of the request.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}", "name a folder of your own") from error
    check_clusters(devices, request)
    pairs = named(devices)
    _check_new(pairs, request, out)
    programs = build_programs(devices, request, say)

    def one(pair: tuple[str, Device]) -> Tuned:
        return _tune(pair[0], pair[1], request, programs, budget_s, out, stop, say)

    phones = [pair for pair in pairs if pair[1].identity.kind != LOCAL]
    done: list[Tuned] = []
    if phones:
        with ThreadPoolExecutor(max_workers=len(phones)) as pool:
            done += pool.map(one, phones)
    for pair in pairs:
        if pair[1].identity.kind == LOCAL and not stop.is_set():
            leave_measured_cpu(pair[1], request)
            done.append(one(pair))
    return done


def _check_new(pairs: Sequence[tuple[str, Device]], request: Request, out: Path) -> None:
    """A table is made whole: tuning a few layers more must not cost those of an earlier one."""
    for name, device in pairs:
        for cluster in planned(device.topology(), request.cpus):
            table = table_file(out, name, cluster.label)
            if table.exists():
                raise UsageError(f"--out {out}: {table} is there already", "name another folder, or remove the table")


def _tune(
    name: str,
    device: Device,
    request: Request,
    programs: Programs,
    budget_s: float,
    out: Path,
    stop: threading.Event,
    say: Callable[[str], None],
) -> Tuned:
    done = Tuned(name)
    waiting = patient(device, EventLog(NO_JOURNAL), stop)
    try:
        with ExitStack() as stack:
            stack.enter_context(leased(device.serial))
            stack.enter_context(host_cpus(device.identity, stop, lambda text: say(f"{name}: {text}")))
            folder = out / name
            folder.mkdir(parents=True, exist_ok=True)
            topology = waiting.topology()
            clusters = planned(topology, request.cpus)
            for label, why in out_of_reach(topology, clusters).items():
                done.fail(ExitCode.INFRASTRUCTURE, f"cluster {label} not tuned: {why}")
            chosen = targets(topology, clusters)
            if device.identity.kind != LOCAL:
                stack.enter_context(kept_awake(waiting, folder / "settings.jsonl", done.messages.append))
            run_id = f"tune-{slug(request.suite)}-{secrets.token_hex(3)}"
            here = stack.enter_context(errand(waiting, run_id, programs.of(device), done, stop))
            for target in chosen:
                if not stop.is_set():
                    _cluster(done, here, request, target, run_id, budget_s, table_file(out, name, target.cluster.label))
    except HarnessError as error:
        done.fail(error.exit_code, str(error))
    return done


def _cluster(
    done: Tuned, here: Errand, request: Request, target: Target, run_id: str, budget_s: float, file: Path
) -> None:
    label = target.cluster.label
    deadline_s = tune_deadline_s(request, here.device.identity, budget_s)
    plan = verify_plan(request, target, run_id, here.program, deadline_s, budget_s)
    remote = f"{here.folder}/{label}.tuned"
    here.perform("tune", plan, deadline_s, lambda said: done.take(label, said), "--out", remote, of=f"-{label}")
    table = here.device.read_from(remote, 0)
    if table.startswith(_FIRST_WORD):
        write_atomically(file, table)
        done.tables.append(file)
    else:
        done.fail(ExitCode.INFRASTRUCTURE, f"cluster {label}: convbench tune brought no table")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None
