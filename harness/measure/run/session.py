"""One device's part of a run: from the restored settings to the empty folder, cluster after cluster."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from harness.control import baseline
from harness.control.heat import NOWHERE, Heat, Rest, find_source
from harness.control.lease import host_cpus, leased
from harness.control.settings import kept_awake
from harness.devices.base import Device, RemoteProcess, Topology
from harness.devices.identity import BOOT_ID
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, DeviceLost, HarnessError, WrongDevice
from harness.exit_codes import ExitCode
from harness.measure.clusters import Target
from harness.measure.context import Work
from harness.measure.device_folder import DeviceFolder
from harness.measure.lost_connection import Connection, patient
from harness.measure.run import identity_file
from harness.measure.run.again import make_again
from harness.measure.run.chosen import choose
from harness.measure.run.clusterplan import ClusterPlan, make_plan
from harness.measure.run.follow import Follower
from harness.measure.run.intake import Intake
from harness.measure.run.leftover import unmeasured, words
from harness.measure.run.orphan import attempts_of, take_over
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.measure.tables import kept_table
from harness.store.journal import write_atomically
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
        work: Work,
        progress: DeviceProgress,
    ) -> None:
        serial = device.serial if device.identity.capabilities.has_secret_serial else ""
        self._directory: DeviceDir = run.device(name, serial)
        self._raw = device
        events = self._directory.events
        self._connection = Connection(events, work.stop, progress.lost, progress.back)
        self._device = patient(device, events, work.stop, self._connection)
        self._run = run
        self._request = work.request
        self._programs = work.programs
        self._unfit = work.unfit.get(name)
        self._progress = progress
        self._stop = work.stop
        self._phone = PhoneId.of(device.identity)
        self._is_foreign = False  # the device is not the one of this directory, which is left as it is
        self._out_of_reach: dict[str, str] = {}
        self._lost_said = False
        self.outcome = SessionOutcome(name)
        self._intake = Intake(self._phone, self.outcome, progress)

    def measure(self) -> SessionOutcome:
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
            if not self._is_foreign and not self._stop.is_set():
                self._say_unmeasured()
            codes = self.outcome.codes
            state = "stopped" if self._stop.is_set() else "failed" if codes else "done"
            self._progress.finish(state)
            try:
                if not self._is_foreign:
                    events.add("finished", state=state, messages=self.outcome.messages)
            except HarnessError as error:  # the disk is full: said, not lost
                self.outcome.fail(error.exit_code, str(error))
        return self.outcome

    def _say_unmeasured(self) -> None:
        """What was planned and is not measured is a failure, whatever kept it from being measured."""
        layers = [layer.name for layer in self._request.layers]
        for label, jobs in unmeasured(self._run, self.outcome.name, self._request).items():
            why = f" ({self._out_of_reach[label]})" if label in self._out_of_reach else ""
            text = f"not measured of cluster {label}{why}: {words(jobs, layers)}"
            self.outcome.fail(ExitCode.INFRASTRUCTURE, text)

    def _measure(self) -> None:
        device, events = self._device, self._directory.events
        with ExitStack() as stack:
            stack.enter_context(leased(device.serial))
            stack.enter_context(host_cpus(device.identity, self._stop, self._progress.remark))
            self._confirm()
            if (why := self._unfit) is not None:
                raise why
            topology = device.topology()
            identity_file.write(self._directory.identity, self.outcome.name, device.identity, topology)
            events.add("started", seed=self._request.seed, boot_id=device.identity.boot_id)
            chosen = self._choose(topology)
            built = self._programs.of(device)
            if device.identity.capabilities.has_settings:
                stack.enter_context(kept_awake(device, self._directory.settings, self.outcome.messages.append))
            installed = DeviceFolder(device, self._run.run_id, events)
            take_over(installed, self._directory)
            with self._folder(installed):
                self._progress.phase("installing")
                installed.install(built, self._request.workers)
                self._clusters(installed, chosen)

    def _confirm(self) -> None:
        """It was found some time ago: another one may have its address by now."""
        try:
            self._device.confirm()
        except WrongDevice:
            self._is_foreign = True
            raise

    @contextmanager
    def _folder(self, installed: DeviceFolder) -> Iterator[None]:
        """Removes the device's folder, save where records could not be taken over: then it stays for --resume."""
        try:
            yield
        except DeviceError:
            self._remove_if_taken_over(installed)
            raise
        installed.remove()

    def _remove_if_taken_over(self, installed: DeviceFolder) -> None:
        try:
            take_over(installed, self._directory)
            installed.remove()
        except HarnessError:
            self._directory.events.add("left for resume", folder=installed.folder)

    def _clusters(self, installed: DeviceFolder, chosen: list[Target]) -> None:
        done = done_by_cluster(self._directory.records)
        for cluster, number in attempts_of(self._directory.events):  # also those that left no record
            known = done.setdefault(cluster, Done())
            known.attempts = max(known.attempts, number)
        plans = [make_plan(self._request, t, done.get(t.cluster.label, Done()), self.outcome.name) for t in chosen]
        self._progress.expect(jobs=sum(p.planned for p in plans))
        todo = [p for p in plans if p.jobs]
        if not todo:
            if not unmeasured(self._run, self.outcome.name, self._request):
                self._directory.events.add("nothing missing")
            return
        self._progress.phase("looking for heat sources")
        self._intake.heat = self._find_heat(installed)
        for plan in todo:
            if self._stop.is_set():
                return
            try:
                self._cluster(installed, plan)
                self._again(installed, plan)
            except DeviceLost as error:
                self._lost(error, plan.target.cluster.label)
                raise

    def _again(self, installed: DeviceFolder, plan: ClusterPlan) -> None:
        """Measures as many rounds again as hold a tainted sample, within the policy's share of the budget."""
        if self._stop.is_set() or self.outcome.unfinished:
            return
        again = make_again(plan, self._directory.records, emulated=self._device.identity.emulated)
        if again is not None:
            label, rounds = plan.target.cluster.label, sum(job.rounds - job.first_round for job in again.jobs)
            self._directory.events.add("measured again", cluster=label, attempt=again.attempt, rounds=rounds)
            self._progress.remark(f"CPUs {label}: {rounds} rounds with tainted samples are measured again, at most")
            self._progress.more(len(again.jobs))
            self._cluster(installed, again)

    def _lost(self, error: DeviceLost, label: str) -> None:
        lost = DeviceError(
            f"connection lost while cluster {label} was measured, and not back in time ({error.message})",
            f"what it measured is kept; attach the phone, then {self._go_on()}",
        )
        self._lost_said = True
        self.outcome.fail(lost.exit_code, str(lost))

    def _find_heat(self, installed: DeviceFolder) -> Heat:
        def load() -> None:
            until = time.monotonic() + _LOAD_S
            while time.monotonic() < until and not self._stop.is_set():
                installed.json("probe")

        source, zones = find_source(self._device, load)
        stored = baseline.stored(self._phone, source.name) if source != NOWHERE else None
        self._directory.events.add(
            "heat source", source=source.name or None, temperature=source.temperature, baseline=stored, zones=len(zones)
        )
        return Heat(source, zones, Rest(hottest_c=stored))

    def _cluster(self, installed: DeviceFolder, plan: ClusterPlan) -> None:
        device, label = self._device, plan.target.cluster.label
        file = self._directory.plan(label, plan.attempt)
        table, tuned = kept_table(self._run, self.outcome.name, label), ""
        if table is not None:
            tuned = f"{installed.folder}/{table.name}"
            device.push(table, tuned)
        text = plan.render(device.identity, self._run.run_id, installed.program, self._intake.heat, tuned)
        write_atomically(file, text.encode("utf-8"))
        remote = f"{label}.{plan.attempt}"
        device.push(file, f"{installed.folder}/{remote}.plan")
        self._progress.cluster(label, plan.done)
        process = installed.start(f"{remote}.plan", f"{remote}.jsonl", label, plan.attempt)
        target = RecordsFile(self._directory.records)
        events = self._directory.events
        follower = Follower(
            self._raw,
            f"{installed.folder}/{remote}.jsonl",
            target,
            events,
            partial(self._intake.take, label),
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
                device.confirm()  # waits for the phone, where it is away
                device.kill(process)
                follower.pull_rest()
        if self._stop.is_set() or follower.overdue:
            return
        if follower.end is None:
            raise DeviceError(
                self._why_without_end(installed, process, label, f"{remote}.jsonl"),
                f"what it measured is kept; {self._go_on()}",
            )
        if follower.end.reason == "cpu":
            self.outcome.fail(
                ExitCode.INFRASTRUCTURE,
                f"cluster {label}: its CPU {plan.target.cpu} was taken away while it was measured",
            )
        elif follower.end.reason != "done":
            self.outcome.fail(
                ExitCode.INFRASTRUCTURE,
                f"cluster {label}: convbench stopped early ({follower.end.reason}); {self._go_on()}",
            )

    def _go_on(self) -> str:
        return f"go on with: harness run --resume {self._run.path}"

    def _why_without_end(self, installed: DeviceFolder, process: RemoteProcess, label: str, output: str) -> str:
        boot_id = (self._device.read_files([BOOT_ID])[BOOT_ID] or b"").decode("utf-8", "replace").strip()
        if process.boot_id and boot_id != process.boot_id:
            return f"the device rebooted while cluster {label} was measured"
        return (
            f"convbench on cluster {label} stopped without an end: {installed.last_words(output) or 'it said nothing'}"
        )

    def _choose(self, topology: Topology) -> list[Target]:
        """The clusters to measure now; of those out of reach it is said why, where something is left of them."""
        chosen = choose(self._run, self.outcome.name, self._request, topology)
        self._out_of_reach = chosen.out_of_reach
        left = unmeasured(self._run, self.outcome.name, self._request)
        for label, why in self._out_of_reach.items():
            if label in left:
                self._directory.events.add("out of reach", cluster=label, why=why)
                self._progress.remark(f"cluster {label} cannot be measured now: {why}")
        return chosen.targets
