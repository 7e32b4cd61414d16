"""One device's part of a run: from the restored settings to the empty folder, cluster after cluster."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from harness.build.builder import Built
from harness.config.device_model import known_name
from harness.control import baseline
from harness.control.heat import HeatSource, find_source
from harness.control.lease import host_cpus, leased
from harness.control.settings import kept_awake
from harness.devices.base import Device, RemoteProcess, Topology, as_json
from harness.devices.identity import BOOT_ID
from harness.errors import DeviceError, DeviceLost, ExitCode, HarnessError
from harness.measure.clusterplan import ClusterPlan, make_plan, planned_lines
from harness.measure.clusters import Target, targets
from harness.measure.follow import Follower
from harness.measure.orphan import attempts_of, take_over
from harness.measure.patience import Connection, patient
from harness.measure.phone import Installed
from harness.measure.progress import DeviceProgress
from harness.measure.request import DeviceOutcome, Request
from harness.measure.tables import kept_table
from harness.store import records
from harness.store.journal import read_lines, write_atomically
from harness.store.progress import Done, done_by_cluster
from harness.store.recordsfile import RecordsFile
from harness.store.rundir import DeviceDir, RunDir

_GRACE_S = 120.0  # beyond the deadline that convbench keeps by itself
_LOAD_S = 1.5  # long enough for a zone beside the core to move


class Session:
    """Measures one device. ``stop`` ends it early with everything taken over and put back."""

    def __init__(
        self,
        device: Device,
        name: str,
        run: RunDir,
        request: Request,
        built: Callable[[Device], Built],
        progress: DeviceProgress,
        stop: threading.Event,
    ) -> None:
        serial = "" if device.identity.kind == "local" else device.serial
        self._directory: DeviceDir = run.device(name, serial)
        self._raw = device
        events = self._directory.events
        self._connection = Connection(events, stop, progress.lost, progress.back)
        self._device = patient(device, events, stop, self._connection)
        self._run = run
        self._request = request
        self._built = built
        self._progress = progress
        self._stop = stop
        self._lost_said = False
        self.outcome = DeviceOutcome(name)

    def measure(self) -> DeviceOutcome:
        """Runs every cluster; whatever fails is in the outcome, never raised."""
        events = self._directory.events
        try:
            self._measure()
        except HarnessError as error:
            if not (isinstance(error, DeviceLost) and self._lost_said):
                self.outcome.fail(error.exit_code, str(error))
        except Exception as error:  # a fault of ours on one device must not take the others with it
            traceback.print_exc()
            self.outcome.fail(ExitCode.INFRASTRUCTURE, f"{type(error).__name__}: {error}")
        finally:
            codes = self.outcome.codes
            state = "stopped" if self._stop.is_set() else "failed" if codes else "done"
            self._progress.finish(state)
            try:
                events.add("finished", state=state, messages=self.outcome.messages)
            except HarnessError as error:  # the disk is full: said, not lost
                self.outcome.fail(error.exit_code, str(error))
        return self.outcome

    def _measure(self) -> None:
        device, events = self._device, self._directory.events
        with ExitStack() as stack:
            stack.enter_context(leased(device.serial))
            stack.enter_context(host_cpus(device.identity, self._stop, self._progress.remark))
            topology = device.topology()
            self._write_identity(topology)
            events.add("started", seed=self._request.seed, boot_id=device.identity.boot_id)
            chosen = targets(topology, self._request.cpus)
            built = self._built(device)
            if device.identity.kind != "local":
                stack.enter_context(kept_awake(device, self._directory.settings, self.outcome.messages.append))
            installed = Installed(device, self._run.run_id, events)
            take_over(installed, self._directory)
            with self._folder(installed):
                self._progress.phase("installing")
                installed.install(built)
                self._clusters(installed, chosen)

    @contextmanager
    def _folder(self, installed: Installed) -> Iterator[None]:
        """Removes the device's folder, save where records could not be taken over: then it stays for --resume."""
        try:
            yield
        except DeviceError:
            self._remove_if_taken_over(installed)
            raise
        installed.remove()

    def _remove_if_taken_over(self, installed: Installed) -> None:
        try:
            take_over(installed, self._directory)
            installed.remove()
        except HarnessError:
            self._directory.events.add("left for resume", folder=installed.folder)

    def _clusters(self, installed: Installed, chosen: list[Target]) -> None:
        done = done_by_cluster(self._directory.records)
        for cluster, number in attempts_of(self._directory.events):  # also those that left no record
            known = done.setdefault(cluster, Done())
            known.attempts = max(known.attempts, number)
        plans = [make_plan(self._request, t, done.get(t.cluster.label, Done()), self.outcome.name) for t in chosen]
        self._write_jobs(chosen)
        self._progress.expect(blocks=sum(p.blocks for p in plans), clusters=len(plans))
        todo = [p for p in plans if p.jobs]
        if not todo:
            self._directory.events.add("nothing missing")
            return
        self._progress.phase("looking for heat sources")
        source, zones = self._find_heat(installed)
        stored = baseline.stored(self._device.serial, source.name) if source.kind != "none" else None
        self._directory.events.add(
            "heat source", source=source.name or None, temperature=source.temperature, baseline=stored, zones=len(zones)
        )
        for index, plan in enumerate(todo):
            if self._stop.is_set():
                return
            try:
                self._cluster(installed, plan, source, zones, stored)
            except DeviceLost as error:
                self._lost(error, [each.target.cluster.label for each in todo[index:]])
                raise
        if source.temperature is not None:
            baseline.store(self._device.serial, source.name, source.temperature)

    def _lost(self, error: DeviceLost, missing: list[str]) -> None:
        """Says what the loss cost: the cluster that was being measured, then those that were still to come."""
        first, *others = missing
        rest = f"; not measured: cluster{'s' * (len(others) > 1)} {', '.join(others)}" if others else ""
        lost = DeviceError(
            f"connection lost while cluster {first} was measured, and not back in time ({error.message}){rest}",
            f"what it measured is kept; attach the phone, then {self._go_on()}",
        )
        self._lost_said = True
        self.outcome.fail(lost.exit_code, str(lost))

    def _find_heat(self, installed: Installed) -> tuple[HeatSource, dict[str, HeatSource]]:
        def load() -> None:
            until = time.monotonic() + _LOAD_S
            while time.monotonic() < until and not self._stop.is_set():
                installed.json("probe")

        return find_source(self._device, load)

    def _cluster(
        self,
        installed: Installed,
        plan: ClusterPlan,
        source: HeatSource,
        zones: dict[str, HeatSource],
        known: float | None,
    ) -> None:
        device, label = self._device, plan.target.cluster.label
        file = self._directory.plan(label, plan.attempt)
        table, tuned = kept_table(self._run, self.outcome.name, label), ""
        if table is not None:
            tuned = f"{installed.folder}/{table.name}"
            device.push(table, tuned)
        text = plan.render(device.identity, self._run.run_id, installed.program, source, zones, known, tuned)
        write_atomically(file, text.encode("utf-8"))
        remote = f"{label}.{plan.attempt}"
        device.push(file, f"{installed.folder}/{remote}.plan")
        self._progress.cluster(label, plan.blocks_done)
        process = installed.start(f"{remote}.plan", f"{remote}.jsonl", label, plan.attempt)
        target = RecordsFile(self._directory.records)
        events = self._directory.events
        follower = Follower(
            self._raw,
            f"{installed.folder}/{remote}.jsonl",
            target,
            events,
            partial(self._take, label),
            self._connection,
        )
        latest_s = plan.deadline_s(device.identity) + _GRACE_S
        try:
            follower.follow(process, self._stop, latest_s)
            if follower.overdue:
                self.outcome.fail(
                    ExitCode.INFRASTRUCTURE,
                    f"cluster {label}: convbench had not ended after {latest_s:.0f} s, though its own deadline was "
                    f"over, and was stopped\n  what it measured is kept; {self._go_on()}",
                )
        finally:
            if follower.end is None:
                device.kill(process)  # waits for the phone, where it is away
                follower.pull_rest()
        if self._stop.is_set() or follower.overdue:
            return
        if follower.end is None:
            raise DeviceError(
                self._why_without_end(installed, process, label, f"{remote}.jsonl"),
                f"what it measured is kept; {self._go_on()}",
            )
        if follower.end.reason != "done":
            self.outcome.fail(
                ExitCode.INFRASTRUCTURE,
                f"cluster {label}: convbench stopped early ({follower.end.reason}); {self._go_on()}",
            )

    def _go_on(self) -> str:
        return f"go on with: harness run --resume {self._run.path}"

    def _why_without_end(self, installed: Installed, process: RemoteProcess, label: str, output: str) -> str:
        boot_id = (self._device.read_files([BOOT_ID])[BOOT_ID] or b"").decode("utf-8", "replace").strip()
        if process.boot_id and boot_id != process.boot_id:
            return f"the device rebooted while cluster {label} was measured"
        return (
            f"convbench on cluster {label} stopped without an end: {installed.last_words(output) or 'it said nothing'}"
        )

    def _take(self, label: str, record: records.Record) -> None:
        self._progress.take(record)
        if isinstance(record, records.Worker) and record.table is not None and record.table.refused:
            text = f"cluster {label}: {record.table.refused}: it is not used, `auto` goes by the model"
            if self.outcome.warn(text):
                self._progress.remark(text)
        if isinstance(record, records.Sample):
            self.outcome.samples += 1
        elif isinstance(record, records.Error) or (isinstance(record, records.Check) and not record.ok):
            self.outcome.fault(record)

    def _write_jobs(self, chosen: list[Target]) -> None:
        """All jobs of this device go into plan.jsonl, once; a resumed run has them there."""
        name = self.outcome.name
        if any(line.get("device") == name for line in read_lines(self._run.path / "plan.jsonl")):
            return
        for target in chosen:
            self._run.add_jobs(planned_lines(name, make_plan(self._request, target, Done(), name)))

    def _write_identity(self, topology: Topology) -> None:
        identity = as_json(self._device.identity)
        value = {
            "name": self.outcome.name,
            "title": known_name(self._device.identity.model),
            "identity": identity,
            "clusters": [{**as_json(c), "label": c.label} for c in topology.clusters],
            "notes": list(topology.notes),
        }
        write_atomically(self._directory.identity, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
