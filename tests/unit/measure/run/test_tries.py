"""What kept a cluster from its end is tried again, so many times; what stays is a failure that names the remedy."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.devices.base import Cluster, Identity, Topology
from harness.devices.phone_id import PhoneId
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost
from harness.exit_codes import ExitCode
from harness.measure.clusters import Target
from harness.measure.request import Request
from harness.measure.run import tries
from harness.measure.run.again import ENDED
from harness.measure.run.attempt import Ending, Site
from harness.measure.run.clusterplan import ClusterPlan, make_plan
from harness.measure.run.intake import Intake
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.store import records
from harness.store.journal import append_bytes
from harness.store.progress import Done
from harness.store.rundir import RunDir
from tests.variants import HEADER, fields

pytestmark = pytest.mark.unit

Step = Callable[[ClusterPlan, Callable[[records.Record], None]], Ending]
IDENTITY = Identity("S1", "adb", model="Pixel 3")
SUITE, POLICY = load_suite("smoke"), load_policy("smoke")
TARGET = Target(Cluster((4, 5)), 5, (4,))


def whole(plan: ClusterPlan, take: Callable[[records.Record], None]) -> Ending:
    """All that the plan has."""
    for job in plan.jobs:
        sample(job.launch, job.layer, take)
        end_job(job.launch, job.layer, take)
    return Ending()


def sample(launch: int, layer: str, take: Callable[[records.Record], None]) -> None:
    rest = {"settle_ns": 1, "settle_capped": False, "cpu_before": 0, "cpu_after": 0, "nivcsw": 0, "faults": 0}
    value = {"type": "sample", "seq": 1, "launch": launch, "round": 0, "position": 0, "layer": layer, "calls": 1}
    told = {**value, **fields("indirect/k", cache="hot"), **rest, "ns": 1.0, "t_ns": 1, "pid": 1}
    take(records.parse_record(json.dumps(told)))


def end_job(launch: int, layer: str, take: Callable[[records.Record], None], *, complete: bool = True) -> None:
    sizes = {"rounds": 1, "rounds_planned": 1, "complete": complete, "elapsed_s": 1}
    take(records.parse_record(json.dumps({"type": "job", "seq": 2, "launch": launch, "layer": layer, **sizes})))


def killed(plan: ClusterPlan, take: Callable[[records.Record], None]) -> Ending:
    """The first job's worker is killed from outside; all others are measured."""
    first, *others = plan.jobs
    told = {"launch": first.launch, "layer": first.layer, **fields("indirect/k", cache="hot")}
    error = {"type": "error", "seq": 1, **told, "signal": 9, "external": True, "reason": "killed by signal 9"}
    take(records.parse_record(json.dumps(error)))
    end_job(first.launch, first.layer, take, complete=False)
    for job in others:
        sample(job.launch, job.layer, take)
        end_job(job.launch, job.layer, take)
    return Ending()


def ending(why: str, **how: bool) -> Step:
    return lambda plan, take: Ending(why, **how)


def raising(error: Exception) -> Step:
    def step(plan: ClusterPlan, take: Any) -> Ending:
        raise error

    return step


class Bench:
    """Attempts that go as they are told; ``plans`` are those that were asked for."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[Step] = []
        self.plans: list[ClusterPlan] = []
        self.stop = threading.Event()
        self.allowed: list[tuple[int, ...]] = [(4, 5)]
        self.outcome = SessionOutcome("pixel-3")
        self.request = Request("smoke", SUITE.layers[:2], POLICY, ("indirect",), 1)
        run = RunDir(folder)
        self.directory = run.device("pixel-3")
        progress = DeviceProgress("pixel-3")
        installed = SimpleNamespace(device=SimpleNamespace(topology=self.topology, identity=IDENTITY))
        self.site = Site(
            raw=cast(Any, None),
            installed=cast(Any, installed),
            run=run,
            directory=self.directory,
            connection=cast(Any, None),
            intake=Intake(PhoneId.of(IDENTITY), self.outcome, progress, self.directory.events),
            progress=progress,
            stop=self.stop,
        )
        monkeypatch.setattr(tries, "attempt", self.attempt)
        monkeypatch.setattr(tries, "take_over", lambda *_: self.steps.append(whole))
        monkeypatch.setattr(tries, "_AGAIN_S", 0.0)
        monkeypatch.setattr(tries, "_LOOK_S", 0.001)

    def topology(self) -> Topology:
        allowed = self.allowed.pop(0) if len(self.allowed) > 1 else self.allowed[0]
        return Topology((Cluster((0, 1)), Cluster((4, 5))), (0, 1, *allowed))

    def attempt(self, site: Site, plan: ClusterPlan, take: Any) -> Ending:
        self.plans.append(plan)
        return self.steps.pop(0)(plan, take)

    def measure(self, *steps: Step) -> SessionOutcome:
        self.steps = [*steps]
        self.run = RunDir(self.site.run.path)
        tries.Tries(replace(self.site, run=self.run), self.request, self.outcome).measure(TARGET)
        return self.outcome

    def events(self, name: str) -> list[Any]:
        return self.directory.events.named(name)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_what_went_well_is_tried_once(bench: Bench) -> None:
    assert bench.measure(whole).codes == []
    assert len(bench.plans) == 1
    assert bench.events("tried again") == []


def test_tainted_rounds_are_measured_again_and_what_keeps_them_from_it_is_no_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = make_plan(bench.request, TARGET, Done(), "pixel-3")
    monkeypatch.setattr(tries, "make_again", lambda *_, **__: replace(wanted, attempt=2))
    done = bench.measure(whole, ending("it was stopped early"))
    assert [plan.attempt for plan in bench.plans] == [1, 2]
    assert (done.codes, done.unfinished) == ([], False)
    assert done.messages == ["tainted rounds were not all measured again: it was stopped early"]
    (event,) = bench.events("measured again")
    assert (event["cluster"], event["attempt"]) == ("4-5", 2)


@pytest.mark.parametrize("when", ["at first", "again"])
def test_what_a_failed_attempt_left_on_the_device_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """A deadline was exceeded; what convbench wrote is taken over: a sample, and a wrong result, which ends with 1."""
    layer = bench.request.layers[0].name
    wrong = {"type": "check", "launch": 0, "layer": layer, **fields("indirect/k"), "by": "reference", "ok": False}
    wrong |= {"outputs": 1, "error_over_bound": 9.0}

    def take_over(_: Any, directory: Any, take: Callable[[str, records.Record], None]) -> None:
        lines = [json.dumps({**HEADER, "cluster": "4-5", "attempt": len(bench.plans)})]

        def write(record: records.Record) -> None:
            lines.append(record.model_dump_json())
            take("4-5", record)

        sample(0, layer, write)
        write(records.parse_record(json.dumps({**wrong, "seq": 2})))
        append_bytes(directory.records, ("\n".join(lines) + "\n").encode())

    monkeypatch.setattr(tries, "take_over", take_over)
    late = raising(DeadlineExceeded("sh took longer than 30 s"))
    if when == "again":
        wanted = make_plan(bench.request, TARGET, Done(), "pixel-3")
        monkeypatch.setattr(tries, "make_again", lambda *_, **__: replace(wanted, attempt=2))
    done = bench.measure(*([whole, late] if when == "again" else [late, whole]))
    measured = len(bench.request.layers) * POLICY.launches
    assert done.samples == measured + 1
    assert done.codes == [ExitCode.WRONG_RESULT]
    assert [fault.layer for fault in bench.run.ledger.done("pixel-3")["4-5"].faults] == [layer]


def test_measuring_again_that_was_cut_off_is_resumed_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """All jobs are whole by then: the further attempt alone is begun anew, with the launches that it was about."""
    bench.request = replace(bench.request, policy=POLICY.model_copy(update={"verdicts": True}))
    names = [layer.name for layer in bench.request.layers]
    bench.site.run.add_jobs([{"device": "pixel-3", "cluster": "4-5", "launch": 0, "layer": name} for name in names])
    plan = make_plan(bench.request, TARGET, Done(), "pixel-3")
    about = list[Any]()

    def make_again(*given: Any, **_: Any) -> ClusterPlan:
        about.append(given[4])
        return replace(plan, attempt=2)

    def cut(plan: ClusterPlan, take: Any) -> Ending:
        bench.stop.set()
        return Ending("stopped")

    monkeypatch.setattr(tries, "make_again", make_again)
    bench.measure(whole, cut)
    assert len(bench.plans) == 2 and bench.events(ENDED) == []
    bench.stop.clear()
    monkeypatch.setattr(tries.Tries, "_plan", lambda self, target: replace(plan, jobs=()))
    for _ in range(2):  # the second time nothing is left
        bench.measure(whole)
    assert len(bench.plans) == 3
    assert about == [dict.fromkeys(names, range(1))] * 2
    (event,) = bench.events(ENDED)
    assert (event["cluster"], event["launches"]) == ("4-5", dict.fromkeys(names, 1))


def test_what_is_left_is_not_measured_again_for_its_taint(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "make_again", lambda *_, **__: pytest.fail("it is not whole"))
    assert bench.measure(*[killed] * 9).unfinished


def test_a_worker_that_was_killed_from_outside_is_measured_in_a_second_attempt(bench: Bench) -> None:
    done = bench.measure(killed, whole)
    assert done.codes == []
    first, second = bench.plans
    assert (len(second.jobs), second.attempt) == (1, 2)
    assert (second.jobs[0].launch, second.jobs[0].layer) == (first.jobs[0].launch, first.jobs[0].layer)
    (event,) = bench.events("tried again")
    assert (event["cluster"], event["why"]) == ("4-5", "cluster 4-5: killed by signal 9")


def test_after_the_last_attempt_it_is_a_failure_that_can_be_resumed(bench: Bench) -> None:
    done = bench.measure(*[killed] * 9)
    assert len(bench.plans) == tries.TRIES == 3
    assert done.unfinished
    told = done.messages[-1]
    assert "killed by signal 9 (tried 3 times)" in told and "--resume" in told
    (event,) = bench.events("given up")
    assert (event["tries"], event["cluster"]) == (3, "4-5")


def test_a_job_without_samples_and_without_a_reason_is_not_done(bench: Bench) -> None:
    def empty(plan: ClusterPlan, take: Any) -> Ending:
        for job in plan.jobs:
            end_job(job.launch, job.layer, take)
        return Ending()

    assert bench.measure(empty, whole).codes == []
    assert len(bench.plans[1].jobs) == len(bench.plans[0].jobs)


def test_what_would_be_the_same_again_is_not_tried_again(bench: Bench) -> None:
    done = bench.measure(ending("cluster 4-5: convbench stopped early (deadline)"), whole)
    assert len(bench.plans) == 1
    assert "(deadline)\n" in done.messages[0]


def test_a_core_that_comes_back_is_measured_again(bench: Bench) -> None:
    gone = ending("its CPU 5 was taken away", passing=True, cpu_gone=True)
    bench.allowed = [(), (4,), (4, 5)]
    assert bench.measure(gone, whole).codes == []
    assert [plan.target.cpu for plan in bench.plans] == [5, 5]


def test_another_core_of_the_cluster_stands_in_and_without_one_it_is_left(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "_CPU_BACK_S", 0.01)
    gone = ending("cluster 4-5: its CPU 5 was taken away", passing=True, cpu_gone=True)
    bench.allowed = [(4,)]
    assert bench.measure(gone, whole).codes == []
    assert bench.plans[-1].target.cpu == 4
    bench.allowed = [()]
    done = bench.measure(gone, whole)
    assert "its CPU 5 was taken away" in done.messages[-1]


def test_what_came_of_an_attempt_that_broke_is_taken_over_before_the_next(bench: Bench) -> None:
    assert bench.measure(raising(DeadlineExceeded("sh took longer"))).codes == []
    assert len(bench.plans) == 2


@pytest.mark.parametrize("error", [DeviceLost("usb"), DeviceError("it rebooted")])
def test_a_device_that_is_gone_is_the_session_s_matter(bench: Bench, error: DeviceError) -> None:
    with pytest.raises(type(error)):
        bench.measure(raising(error))
    assert len(bench.plans) == 1


def test_after_a_stop_nothing_is_tried_again_and_nothing_given_up(bench: Bench) -> None:
    def stopped(plan: ClusterPlan, take: Any) -> Ending:
        bench.stop.set()
        return Ending("stopped")

    assert bench.measure(stopped, whole).messages == []
    assert bench.events("given up") == []


class Looks:
    """Looks that plan further launches as they are told; each tells the launches of every layer in all."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch, *wanted: int) -> None:
        self.bench, self.left, self.again = bench, list(wanted), list[Any]()
        bench.request = replace(bench.request, policy=POLICY.model_copy(update={"precision": 0.01}))
        self.plan(0, POLICY.launches)
        monkeypatch.setattr(tries, "look", self.look)
        monkeypatch.setattr(tries, "make_again", lambda *given, **_: self.again.append(given[4]))

    def plan(self, first: int, end: int) -> None:
        names = [layer.name for layer in self.bench.request.layers]
        self.bench.site.run.add_jobs(
            [
                {"device": "pixel-3", "cluster": "4-5", "launch": launch, "layer": name}
                for launch in range(first, end)
                for name in names
            ]
        )

    def look(self, run: RunDir, name: str, request: Request, target: Target, *, emulated: bool) -> dict[str, int]:
        wanted = self.left.pop(0)
        planned = run.ledger.launches(name, "4-5")
        self.plan(max(planned.values()), wanted)
        return {layer: wanted for layer in planned if wanted > planned[layer]}


def test_further_launches_are_measured_until_a_look_wants_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(bench, monkeypatch, 6, 9, 0)
    assert bench.measure(whole, whole, whole).codes == []
    launches = [sorted({job.launch for job in plan.jobs}) for plan in bench.plans]
    assert launches == [[0, 1, 2, 3], [4, 5], [6, 7, 8]]
    assert [plan.attempt for plan in bench.plans] == [1, 2, 3]
    looked_at = [next(iter(given.values())) for given in looks.again]
    assert looked_at == [range(4), range(4, 6), range(6, 9)]


def test_what_was_measured_again_before_a_resume_is_not_once_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look had planned further launches when the run was interrupted."""
    looks = Looks(bench, monkeypatch, 0)
    looks.plan(4, 6)
    bench.directory.events.add(ENDED, cluster="4-5", launches={each.name: 4 for each in SUITE.layers[:2]})
    assert bench.measure(whole).codes == []
    assert [set(given.values()) for given in looks.again] == [{range(4, 6)}]


def test_further_launches_that_break_are_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    Looks(bench, monkeypatch, 6, 0)
    assert bench.measure(whole, killed, whole).codes == []
    assert [len(plan.jobs) for plan in bench.plans] == [8, 4, 1]


def test_what_is_left_of_further_launches_is_a_failure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    Looks(bench, monkeypatch, 6)
    assert bench.measure(whole, *[killed] * 3).unfinished


def test_where_all_is_measured_only_the_look_is_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(bench, monkeypatch, 0)
    nothing = replace(make_plan(bench.request, TARGET, Done(), "pixel-3"), jobs=())
    monkeypatch.setattr(tries.Tries, "_plan", lambda self, target: nothing)
    assert bench.measure().codes == []
    assert (bench.plans, looks.left, looks.again) == ([], [], [])
