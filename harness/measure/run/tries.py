"""A cluster is measured in as many attempts as it takes, up to a limit: what kept one from its end may have passed."""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.errors import DeviceLost, TransientError
from harness.exit_codes import ExitCode
from harness.measure.clusters import Target, planned, targets
from harness.measure.request import Request
from harness.measure.run.again import BEGUN, ENDED, is_to_measure_again, launches_left, make_again
from harness.measure.run.attempt import Ending, Site, attempt
from harness.measure.run.clusterplan import ClusterPlan, make_plan
from harness.measure.run.orphan import take_over
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.repetition import look
from harness.store import records
from harness.store.progress import Done

# Of a cluster in one run, and again in each --resume. What passes by itself (a process killed for memory, a core that
# was unplugged) hits few attempts in a row by chance, and what hits three does not pass while the run waits; each
# attempt measures only what is missing, so that all together cost little more than one.
TRIES = 3
_AGAIN_S = 5.0  # between two: memory that was short is given back, a killed program has ended
_CPU_BACK_S = 20.0  # a core that a governor unplugged is back within seconds when there is work
_LOOK_S = 2.0


class Tries:
    """The attempts at one cluster. What is on record of it is kept up to date in the run's ledger."""

    def __init__(self, site: Site, request: Request, outcome: SessionOutcome) -> None:
        self._site = site
        self._request = request
        self._outcome = outcome
        self._done = Done()

    def measure(self, target: Target) -> None:
        """Measures what is missing; what stays missing after the last attempt is in the outcome and the events.

        Raises DeviceLost, and DeviceError where the device cannot go on.
        """
        label = target.cluster.label
        self._done = self._on_record(label)
        plan, events = self._plan(target), self._site.directory.events
        self._site.progress.cluster(label, plan.done)
        while True:
            planned = self._launches(label)
            if plan.jobs:
                ended, target = self._to_its_end(target)
                if not ended or self._site.stop.is_set():
                    return
            if plan.jobs or is_to_measure_again(self._request, events, label, planned):
                self._measure_again(target, launches_left(events, label, planned))
                if self._site.stop.is_set():
                    return
                events.add(ENDED, cluster=label, launches=planned)
            if self._site.stop.is_set() or not self._look(target):
                return
            plan = self._plan(target)

    def _to_its_end(self, target: Target) -> tuple[bool, Target]:
        """Measures what is missing in as many attempts as it takes; whether nothing is, and where the last one was.

        What stays missing after the last attempt is in the outcome.
        """
        site, label = self._site, target.cluster.label
        ending = Ending()
        for tries in range(1, TRIES + 1):
            plan = self._plan(target)
            if tries > 1:
                site.directory.events.add("tried again", cluster=label, attempt=plan.attempt, why=ending.why)
                site.progress.remark(f"{ending.why}: trying again ({tries} of {TRIES})")
                site.progress.cluster(label, 0)
            ending = self._once(plan)
            if site.stop.is_set():
                return False, target
            if not ending.why or (ending.passing and not self._plan(target).jobs):
                return True, target
            again = self._when_possible(target, ending) if ending.passing and tries < TRIES else None
            if again is None:
                break
            target = again
        if not site.stop.is_set():
            self._give_up(label, tries, ending)
        return False, target

    def _look(self, target: Target) -> bool:
        """Whether further launches were planned, since ratios are not known as well as the policy asks."""
        site, name, label = self._site, self._outcome.name, target.cluster.label
        if self._request.policy.precision is None:
            return False
        further = look(site.run, name, self._request, target, emulated=site.device.identity.emulated)
        more = len(self._plan(target).jobs)
        site.progress.more(more)
        if further:
            wide = f"the ratios of {len(further)} layer(s) are not known to {self._request.policy.precision:.2%} yet"
            site.progress.remark(f"CPUs {label}: {wide}: {more} more blocks (layer x launch)")
        return bool(further)

    def _launches(self, label: str) -> dict[str, int]:
        return self._site.run.ledger.launches(self._outcome.name, label)

    def _measure_again(self, target: Target, launches: Mapping[str, range]) -> None:
        """As many rounds as hold a tainted sample. What keeps it from its end costs nothing that was planned."""
        site, name, label = self._site, self._outcome.name, target.cluster.label
        emulated, file = site.device.identity.emulated, site.directory.records
        again = make_again(self._request, target, self._done, file, launches, name=name, emulated=emulated)
        if again is None:
            return
        rounds = sum(job.rounds - job.first_round for job in again.jobs)
        site.directory.events.add(BEGUN, cluster=label, attempt=again.attempt, rounds=rounds)
        site.progress.remark(f"CPUs {label}: {rounds} rounds with tainted samples are measured again, at most")
        site.progress.more(len(again.jobs))
        site.progress.cluster(label, 0)
        why = self._attempt(again).why
        if why and not site.stop.is_set():
            self._outcome.warn(f"tainted rounds were not all measured again: {why}")

    def _on_record(self, label: str) -> Done:
        return self._site.run.ledger.done(self._outcome.name).setdefault(label, Done())

    def _plan(self, target: Target) -> ClusterPlan:
        further = self._launches(target.cluster.label)
        return make_plan(self._request, target, self._done, self._outcome.name, further)

    def _once(self, plan: ClusterPlan) -> Ending:
        label, ending = plan.target.cluster.label, self._attempt(plan)
        left = self._plan(plan.target).jobs
        if not ending.why and left:
            why = next(iter(self._done.lacks()), "a job has no samples")
            return Ending(f"cluster {label}: {why}", passing=True)
        return ending

    def _attempt(self, plan: ClusterPlan) -> Ending:
        """An attempt, and what is on record after it: of one that failed, too, all that it left on the device."""
        site, label = self._site, plan.target.cluster.label
        try:
            ending = attempt(site, plan, lambda record: self._take(label, record))
            site.run.ledger.added(self._outcome.name)
        except DeviceLost:
            raise
        except TransientError as error:
            take_over(site.installed, site.directory, site.intake.take)  # it may have been started all the same
            self._done = self._on_record(label)
            ending = Ending(f"cluster {label}: {error.message}", passing=True)
        self._done.attempts = max(self._done.attempts, plan.attempt)
        return ending

    def _take(self, label: str, record: records.Record) -> None:
        self._done.add(record)
        self._site.intake.take(label, record)

    def _when_possible(self, target: Target, ending: Ending) -> Target | None:
        """Waits until the cluster can be measured again, for a while on the same CPU; None: it cannot."""
        self._site.stop.wait(_LOOK_S if ending.cpu_gone else _AGAIN_S)
        until = time.monotonic() + (_CPU_BACK_S if ending.cpu_gone else 0.0)
        while not self._site.stop.is_set():
            topology = self._site.device.topology()
            usable = {t.cluster.label: t for t in targets(topology, planned(topology, self._request.cpus))}
            now = usable.get(target.cluster.label)
            if (now is not None and now.cpu == target.cpu) or time.monotonic() >= until:
                return now
            self._site.stop.wait(_LOOK_S)
        return None

    def _give_up(self, label: str, tries: int, ending: Ending) -> None:
        """The cluster is left; a further run or --resume takes it up again."""
        self._site.directory.events.add("given up", cluster=label, tries=tries, why=ending.why)
        often = f" (tried {tries} times)" if tries > 1 else ""
        go_on = f"what it measured is kept; go on with: harness run --resume {self._site.run.path}"
        self._outcome.fail(ExitCode.INFRASTRUCTURE, f"{ending.why}{often}\n  {go_on}")
