"""One device's part of a run: from the restored settings to the empty folder, cluster after cluster."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from harness.control import baseline, calibrations, quarantine
from harness.control.heat import NOWHERE, Heat, Rest, find_heat
from harness.control.power import power_files
from harness.control.settings import applied
from harness.control.sources import NO_SOURCES, probe
from harness.devices.base import Device, Topology
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, DeviceLost, HarnessError, WrongDevice
from harness.exit_codes import ExitCode
from harness.measure.clusters import Target
from harness.measure.context import Work
from harness.measure.device_folder import DeviceFolder
from harness.measure.holding import holding
from harness.measure.lost_connection import Connection, patient
from harness.measure.run import identity_file
from harness.measure.run.again import is_to_measure_again
from harness.measure.run.attempt import Site
from harness.measure.run.chosen import choose
from harness.measure.run.clusterplan import ClusterPlan, make_plan
from harness.measure.run.intake import Intake
from harness.measure.run.leftover import unmeasured, words
from harness.measure.run.orphan import attempts_of, take_over
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.measure.run.repetition import is_to_look
from harness.measure.run.tries import Tries
from harness.measure.sweeping import quarantined, swept
from harness.model.calibration import BUILD_DIGITS, as_json, now
from harness.model.condition import Condition
from harness.model.sustained import SUSTAINED
from harness.store.progress import Done
from harness.store.rundir import DeviceDir, RunDir

_LOAD_S = 1.5  # long enough for a zone beside the core to move
_EMULATED_LOAD_S = 0.75  # what moves there is computed, and moves at once


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
        cap_s = work.request.policy.lost_cap_s
        self._connection = Connection(events, work.stop, progress.lost, progress.back, device.reconnect, cap_s)
        self._device = patient(device, events, work.stop, self._connection)
        self._run = run
        self._request = work.request
        self._programs = work.programs
        self._unfit = work.unfit.get(name)
        self._work = work
        self._progress = progress
        self._stop = work.stop
        self._phone = PhoneId.of(device.identity)
        self._is_ours = False  # the device is ours alone, and the one of this directory
        self._is_foreign = False  # the device is not the one of this directory, which is left as it is
        self._out_of_reach: dict[str, str] = {}
        self._lost_said = False
        self._sources = NO_SOURCES
        self.outcome = SessionOutcome(name)
        self._intake = Intake(self._phone, self.outcome, progress, events)

    def measure(self) -> SessionOutcome:
        """Runs every cluster; whatever fails is in the outcome, never raised."""
        events = self._directory.events
        try:
            self._measure()
        except HarnessError as error:
            if not (isinstance(error, DeviceLost) and self._lost_said):
                self.outcome.fail(error.exit_code, str(error))
            quarantined(error, self._raw, self.outcome)
        except Exception as error:  # a fault of ours on one device must not take the others with it
            traceback.print_exc()
            self.outcome.fail(ExitCode.INFRASTRUCTURE, f"{type(error).__name__}: {error}")
        finally:
            if not self._is_foreign and not self._stop.is_set():
                with self.outcome.noting():
                    self._say_unmeasured()
            codes = self.outcome.codes
            state = "stopped" if self._stop.is_set() else "failed" if codes else "done"
            self._progress.finish(state)
            try:
                if not self._is_foreign:
                    events.add(
                        "finished" if self._is_ours else "not begun", state=state, messages=self.outcome.messages
                    )
            except HarnessError as error:  # the disk is full: said, not lost
                self.outcome.fail(error.exit_code, str(error))
        return self.outcome

    def _stamp(self, condition: Condition) -> None:
        self.outcome.stamp(condition, self._directory.events)

    def _stamp_later(self, condition: Condition) -> None:
        """For another thread: whatever fails is noted."""
        if not self._is_foreign:
            with self.outcome.noting():
                self._stamp(condition)

    def _say_unmeasured(self) -> None:
        """What was planned and is not measured is a failure, whatever kept it from being measured."""
        layers = [layer.name for layer in self._request.own_layers]
        for label, jobs in unmeasured(self._run, self.outcome.name, self._request).items():
            why = f" ({self._out_of_reach[label]})" if label in self._out_of_reach else ""
            text = f"not measured of cluster {label}{why}: {words(jobs, layers)}"
            self.outcome.fail(ExitCode.INFRASTRUCTURE, text)

    def _measure(self) -> None:
        device, events = self._device, self._directory.events
        with ExitStack() as stack:
            held = stack.enter_context(
                holding(
                    self.outcome.name,
                    self._raw,
                    device,
                    self._work,
                    self._run.path.name,
                    say=self._progress.remark,
                    stamp=self._stamp,
                    stamp_later=self._stamp_later,
                    confirm=self._confirm,
                )
            )
            if (why := self._unfit) is not None:
                raise why
            topology = device.topology()
            self._sources = probe(device, topology)
            identity_file.write(self._directory.identity, self.outcome.name, device.identity, topology, self._sources)
            events.add("started", seed=self._request.seed, boot_id=device.identity.boot_id)
            chosen = self._choose(topology)
            built = self._programs.of(device)
            if device.identity.capabilities.has_settings:
                wanted = self._request.policy.settings
                stack.enter_context(applied(device, wanted, self._directory.settings, self._stamp))
                held.check_mended(self._work, self._stamp)
            installed = DeviceFolder(device, self._run.run_id, events, self._stamp)
            take_over(installed, self._directory)
            swept(device, self._run.run_id, self.outcome, events, self._progress.remark, alone=held.alone)
            with self._folder(installed):
                self._progress.phase("installing")
                self._request = self._work.request.on(self._programs.abi_of(device))
                installed.install(built, self._request.workers, self._programs.others_of(device))
                self._note_calibration(built.build_id)
                self._clusters(installed, chosen)
            quarantine.stayed(self._phone)

    def _note_calibration(self, build_id: str) -> None:
        """Writes down what is known of the device's noise under the policy: the report stays what it is today.

        Of a sustained run nothing: its samples are of another length, and no two of them are compared.
        """
        if self._request.mode == SUSTAINED:
            return
        identity, policy, say = self._device.identity, self._request.policy, self._progress.remark
        found = calibrations.stored(self._phone, policy.name, say)
        if found is None:
            return
        system = calibrations.system_of(identity.fingerprint, identity.kernel)
        stale = found.stale(now(), policy, build_id[:BUILD_DIGITS], system)
        self._directory.events.add("calibration", found=as_json(found), stale=stale)
        if stale and not self._request.aa:
            say(f"its calibration is not to be relied on: {', '.join(stale)}; anew: harness calibrate")

    def _confirm(self) -> None:
        """It was found some time ago: another one may have its address by now."""
        try:
            self._device.confirm()
            identity_file.check(self._directory.identity, self._device.identity)
        except WrongDevice:
            self._is_foreign = True
            raise
        self._is_ours = True

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
        done = self._run.ledger.done(self.outcome.name)
        for cluster, number in attempts_of(self._directory.events):  # also those that left no record
            known = done.setdefault(cluster, Done())
            known.attempts = max(known.attempts, number)
        plans = [self._plan(target, done.setdefault(target.cluster.label, Done())) for target in chosen]
        plans = [plan for plan in plans if plan.jobs or self._is_unfinished(plan.target)]
        todo = [plan.target for plan in plans]
        if not todo:
            if not unmeasured(self._run, self.outcome.name, self._request):
                self._directory.events.add("nothing missing")
            return
        self._expect(plans, done)
        self._progress.phase("looking for heat sources")
        self._intake.heat = self._find_heat(installed, [target.cluster.label for target in todo])
        site = Site(
            raw=self._raw,
            installed=installed,
            run=self._run,
            directory=self._directory,
            connection=self._connection,
            intake=self._intake,
            sources=self._sources,
            progress=self._progress,
            stop=self._stop,
        )
        for target in todo:
            if self._stop.is_set():
                return
            label = target.cluster.label
            try:
                Tries(site, self._request, self.outcome).measure(target)
            except DeviceLost as error:
                self._lost(error, label)
                raise
            self._progress.cluster_done(label)

    def _expect(self, plans: Sequence[ClusterPlan], done: Mapping[str, Done]) -> None:
        """Tells the progress what these clusters have, and what they may come to have."""
        policy, name = self._request.policy, self.outcome.name
        share = 1 + policy.again_share * policy.verdicts
        launches = {layer.name: policy.most_launches for layer in self._request.layers}
        most = {p.target.cluster.label: make_plan(self._request, p.target, done[p.target.cluster.label], name, launches)
                for p in plans}  # fmt: skip
        self._progress.expect(
            jobs=sum(plan.planned for plan in plans),
            most={label: share * len(plan.jobs) for label, plan in most.items()},
            seconds=share * sum(plan.seconds() for plan in most.values()),
        )

    def _plan(self, target: Target, done: Done) -> ClusterPlan:
        further = self._run.ledger.launches(self.outcome.name, target.cluster.label)
        return make_plan(self._request, target, done, self.outcome.name, further)

    def _is_unfinished(self, target: Target) -> bool:
        """Whether all is measured that is planned, but it is still to be seen what of it is tainted or not precise."""
        label, events = target.cluster.label, self._directory.events
        planned = self._run.ledger.launches(self.outcome.name, label)
        return is_to_measure_again(self._request, events, label, planned) or is_to_look(self._request, events, label)

    def _lost(self, error: DeviceLost, label: str) -> None:
        lost = DeviceError(
            f"connection lost while cluster {label} was measured, and not back in time ({error.message})",
            f"what it measured is kept; {error.remedy or 'attach the phone'}, then go on with: "
            f"harness run --resume {self._run.path}",
        )
        self._lost_said = True
        self.outcome.fail(lost.exit_code, str(lost))
        try:
            held = quarantine.lost(self._phone)
        except HarnessError as unwritten:
            self.outcome.warn(str(unwritten))
            return
        if held is not None:
            self.outcome.warn(held.remark)

    def _find_heat(self, installed: DeviceFolder, labels: Sequence[str]) -> Heat:
        def load() -> None:
            until = time.monotonic() + (_EMULATED_LOAD_S if self._device.identity.emulated else _LOAD_S)
            while time.monotonic() < until and not self._stop.is_set():
                installed.json("probe")

        source, zones = find_heat(self._device, load, self._stamp)
        say = self._progress.remark
        stored = baseline.stored(self._phone, source.name, say) if source != NOWHERE else None
        self._directory.events.add(
            "heat source", source=source.name or None, temperature=source.temperature, baseline=stored, zones=len(zones)
        )
        hints = baseline.stored_clocks(self._phone, labels, say)
        power = power_files(self._device) if self._request.mode == SUSTAINED else {}
        return Heat(source, zones, Rest(hottest_c=stored), hint_mhz=hints, power=power)

    def _choose(self, topology: Topology) -> list[Target]:
        """The clusters to measure now; of those out of reach it is said why, where something is left of them."""
        chosen = choose(self._run, self.outcome.name, self._request, topology)
        self._out_of_reach = chosen.out_of_reach
        left = unmeasured(self._run, self.outcome.name, self._request)
        for label, why in self._out_of_reach.items():
            if label in left:
                self._directory.events.add("out of reach", cluster=label, why=why, allowed=label in chosen.allowed)
                self._progress.remark(f"cluster {label} cannot be measured now: {why}")
        return chosen.targets
