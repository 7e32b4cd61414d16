"""A front end over hosts that are told to fail: what is tried elsewhere, what is kept, what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from harness.devices.base import Device, Identity
from harness.devices.phone_id import PhoneId
from harness.errors import InfrastructureError
from harness.exit_codes import ExitCode
from harness.hosts import artefacts, dispatch, front
from harness.hosts.artefacts import Part
from harness.hosts.choosing import named_phones
from harness.hosts.connection import NoAnswer
from harness.hosts.described import DescribedPhone
from harness.hosts.front import LabRun
from harness.hosts.schema import Answer, Job
from harness.hosts.watch import Watch
from harness.measure.context import Work
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.measure.run import manifest
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.store.manifest import KeptScheduler
from harness.store.rundir import RunDir
from harness.toolchain.builder import Built
from tests.unit.hosts.test_choosing import phone

pytestmark = pytest.mark.unit

ALPHA, BETA = "tcp://alpha", "tcp://beta"


@dataclass
class Future:
    """As far as the front end looks."""

    status: str = "pending"
    value: Any = None
    waited_for: bool = False
    called: list[Callable[[Any], None]] = field(default_factory=list)

    def done(self) -> bool:
        self.waited_for = True
        return self.status != "pending"

    def end(self, value: object, status: str = "finished") -> None:
        self.value, self.status = value, status
        for each in self.called:
            each(self)

    def add_done_callback(self, function: Callable[[Any], None]) -> None:
        self.called.append(function)
        if self.done():
            function(self)

    def result(self, timeout: float) -> Any:
        return self.value

    def exception(self, timeout: float) -> Any:
        return self.value

    def release(self) -> None:
        pass


@dataclass
class Connection:
    """Hosts by address: what each does with a job."""

    hosts: dict[str, Callable[[Job, bytes], Any]]
    away: bool = False  # the scheduler
    silent: int = 0  # how often it gives no answer
    held: bool = False  # phones, by another run
    gone: set[str] = field(default_factory=set)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    jobs: list[tuple[str, Job]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    forgotten: dict[str, Future] = field(default_factory=dict)
    cancelled: list[Future] = field(default_factory=list)
    open: dict[str, list[Future]] = field(default_factory=dict)

    def workers(self) -> dict[str, Any]:
        if self.away:
            raise InfrastructureError("the scheduler is away")
        if self.silent:
            self.silent -= 1
            raise NoAnswer("no answer")
        return {at: {"last_seen": 1.0, "metrics": {}} for at in self.hosts if at not in self.gone}

    def ask(self, function: Any, calls: Mapping[str, Sequence[Any]], seconds: float) -> dict[str, Any]:
        if function.__name__ == "lacks":
            return {at: list(arguments[0]) for at, arguments in calls.items()}
        if function.__name__ == "take":
            self.sent += [(at, arguments[1]) for at, arguments in calls.items()]
            return dict.fromkeys(calls)
        if function.__name__ == "at_work":
            at_work = [] if self.held else [job.device for _, job in self.jobs]
            return dict.fromkeys(calls, at_work)
        assert function.__name__ == "stop"
        self.stopped += list(calls)
        for at in calls:
            for future in self.open.get(at, ()):
                future.end(answered(self.jobs[-1][1], b'{"seq":0}\n', stopped=True))
        return {at: [job.device for where, job in self.jobs if where == at] for at in calls}

    def submit(self, function: Any, *arguments: Any, at: str, resources: Any = None) -> Future:
        future = Future()
        if function.__name__ == "forget":
            self.forgotten[arguments[1]] = future
            future.end(None)
            return future
        job = Job.model_validate_json(arguments[0])
        assert resources == {f"phone-{job.phone}": 1}
        self.jobs.append((at, job))
        answer = self.hosts[at](job, arguments[1])
        if answer is None:
            self.open.setdefault(at, []).append(future)
        elif isinstance(answer, Exception):
            future.end(answer, "error")
        else:
            future.end(answer)
        return future

    def listen(self, topic: str, say: object) -> None:
        pass

    def cancel(self, *futures: Future) -> None:
        self.cancelled += futures


def answered(job: Job, records: bytes, *, stopped: bool = False, serialno: str = "", **told: Any) -> tuple[str, bytes]:
    """What a host gives back."""
    identity = next(each for each in PHONES if each.phone.digest == job.phone).phone.identity
    folder = Path(FOLDER[0]) / job.device
    folder.mkdir(exist_ok=True, parents=True)
    value = {"identity": {**identity, **({"serialno": serialno} if serialno else {})}}
    (folder / "device.json").write_text(json.dumps(value))
    (folder / "records.jsonl").write_bytes(records)
    plan = json.dumps({"device": job.device, "cluster": "0-1", "launch": 0, "layer": "a"}) + "\n"
    files = {name: folder / name for name in ("device.json", "records.jsonl")}
    outcome = SessionOutcome(job.device, samples=3, messages=["see /there/run"])
    text = Answer(outcome={**outcome.told(), **told}, stopped=stopped, folder="/there/run").model_dump_json()
    return text, artefacts.packed(Part(files, plan.encode()))


FOLDER = [""]
BROKEN = type("FutureCancelledError", (Exception,), {})("key")
PHONES = [phone("1", "alpha"), phone("2", "beta"), phone("3", "beta", "SM-G950F")]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dispatch, "_LOOK_S", 0.0)
    FOLDER[0] = str(tmp_path / "hosts")


def measured(
    connection: Connection,
    folder: Path,
    phones: Sequence[DescribedPhone],
    *portable: str,
    stop: bool = False,
    scheduler: KeptScheduler | None = None,
    joins: Sequence[DescribedPhone] = (),
) -> tuple[RunDir, dict[str, SessionOutcome]]:
    """A run of these phones."""
    run = RunDir(folder / "run")
    named = cast("list[tuple[str, Device]]", named_phones(phones))
    if not run.path.exists():
        run.path.mkdir(parents=True)
        program = folder / "convbench"
        program.write_bytes(b"\x7fELF")
        built = Built(program, program, "0" * 40, "zig", "arm64-v8a", 0.0, True)
        programs = Programs({"arm64-v8a": built}, "arm64-v8a")
        suite = load_suite("smoke")
        request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
        made = manifest.new(request, [name for name, _ in named], programs, ["harness"], {})
        run.write_manifest(made.model_copy(update={"portable": list(portable), "scheduler": scheduler}))
    kept = run.manifest()
    program = folder / "convbench"
    programs = Programs({"arm64-v8a": Built(program, program, "0" * 40, "zig", "arm64-v8a", 0.0, True)}, "arm64-v8a")
    work = Work(manifest.request_of(kept, None), programs, threading.Event(), lambda _: None)
    if stop:
        threading.Timer(0.2, work.stop.set).start()
    lab = LabRun(cast(Any, connection), lambda _: None)
    lab._phones = list(PHONES)
    shown = {name: DeviceProgress(name, say=lambda _: None) for name, _ in named}
    later = [(f"joined-{each.serial.lower()}", cast(Device, each)) for each in joins]

    def joining() -> list[tuple[str, Device]]:
        found = [later.pop()] if later else []
        for name, _ in found:
            run.update_manifest(devices=[*run.manifest().devices, name])
            shown[name] = DeviceProgress(name, say=lambda _: None)
        return found

    outcomes = lab.measure(run, named, work, shown, joining)
    return run, {outcome.name: outcome for outcome in outcomes}


def whole(job: Job, data: bytes) -> Any:
    return answered(job, b'{"seq":0}\n')


def never(job: Job, data: bytes) -> Any:
    return None


def test_each_device_comes_back_whole_and_programs_go_once_to_each_host(tmp_path: Path) -> None:
    connection = Connection({ALPHA: whole, BETA: whole})
    run, outcomes = measured(connection, tmp_path, PHONES)
    assert [outcome.codes for outcome in outcomes.values()] == [[], [], []]
    assert sorted(connection.sent) == [(ALPHA, b"\x7fELF"), (BETA, b"\x7fELF")]
    assert sorted(connection.forgotten) == sorted(outcomes)
    assert all(future.waited_for for future in connection.forgotten.values())  # one that is dropped may never run
    for name, outcome in outcomes.items():
        assert run.device(name).records.read_bytes() == b'{"seq":0}\n'
        assert outcome.samples == 3 and outcome.messages == [f"see {run.path}"]
    assert len((run.path / "plan.jsonl").read_text().splitlines()) == 3


def test_phones_of_a_host_that_joins_are_measured_too(tmp_path: Path) -> None:
    connection = Connection({ALPHA: never, BETA: whole})

    def ended(job: Job, data: bytes) -> Any:
        connection.open[ALPHA][0].end(whole(connection.jobs[0][1], b""))  # the first one, when the last one is through
        return whole(job, data)

    def second(job: Job, data: bytes) -> Any:
        return ended(job, data) if len(connection.jobs) == 3 else whole(job, data)

    connection.hosts[BETA] = second
    run, outcomes = measured(connection, tmp_path, PHONES[:1], joins=PHONES[1:])
    assert sorted(outcomes) == ["joined-s2", "joined-s3", "pixel-3"]
    assert [outcome.codes for outcome in outcomes.values()] == [[], [], []]
    assert sorted(connection.sent) == [(ALPHA, b"\x7fELF"), *[(BETA, b"\x7fELF")] * 2]
    assert connection.jobs[-1][1].manifest.devices == ["pixel-3", "joined-s3", "joined-s2"]
    assert all(run.device(name).records.read_bytes() == b'{"seq":0}\n' for name in outcomes)


def test_a_lost_host_is_failed_devices_which_are_kept_for_resume(tmp_path: Path) -> None:
    connection = Connection({ALPHA: whole, BETA: never}, gone={BETA})
    run, outcomes = measured(connection, tmp_path, PHONES)
    lost = [outcome for outcome in outcomes.values() if outcome.codes]
    assert [outcome.codes for outcome in lost] == [[ExitCode.INFRASTRUCTURE]] * 2
    assert all("host beta is lost" in outcome.messages[0] and outcome.unfinished for outcome in lost)
    owners = manifest.owners(run)
    assert all(owner is not None for owner in owners.values())  # each knows whose it is
    connection = Connection({ALPHA: whole, BETA: whole})
    again = [each for name, each in named_phones(PHONES) if outcomes[name].codes]
    _, after = measured(connection, tmp_path, again)
    assert [outcome.codes for outcome in after.values()] == [[], []]


def test_portable_work_is_tried_on_another_phone_of_the_model(tmp_path: Path) -> None:
    connection = Connection({ALPHA: never, BETA: whole}, gone={ALPHA})
    run, outcomes = measured(connection, tmp_path, PHONES[:1], "pixel-3")
    assert outcomes["pixel-3"].codes == []
    assert [at for at, _ in connection.jobs] == [ALPHA, BETA]
    owner = manifest.owners(run)["pixel-3"]
    assert owner is not None and owner.is_same(PhoneId.of(PHONES[1].identity))


def test_portable_work_of_which_no_other_phone_is_left_fails(tmp_path: Path) -> None:
    connection = Connection({ALPHA: never, BETA: never}, gone={ALPHA, BETA})
    run, outcomes = measured(connection, tmp_path, PHONES[:1], "pixel-3")
    assert outcomes["pixel-3"].codes == [ExitCode.INFRASTRUCTURE]
    assert manifest.owners(run)["pixel-3"] is None  # any other will do later, too


def test_what_is_on_record_goes_along_and_is_never_lost(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def shorter(job: Job, data: bytes) -> Any:
        seen.append(data)
        return answered(job, b"")

    measured(Connection({ALPHA: whole, BETA: whole}), tmp_path, PHONES[:1])
    run, outcomes = measured(Connection({ALPHA: shorter, BETA: whole}), tmp_path, PHONES[:1])
    assert b"records.jsonl" in seen[0]
    (outcome,) = outcomes.values()
    assert outcome.codes == [ExitCode.INFRASTRUCTURE] and "does not continue" in outcome.messages[0]
    assert run.device(outcome.name).records.read_bytes() == b'{"seq":0}\n'


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (lambda job, data: ("{}", b""), "no Answer of this harness"),
        (lambda job, data: "something", "its answer is none"),
        (lambda job, data: (answered(job, b"")[0], b"PK"), "artefacts are refused"),
        (lambda job, data: answered(job, b"", codes=[77]), "is damaged"),
        (lambda job, data: answered(job, b"", serialno="8A9X7"), "are of another phone"),
        (lambda job, data: RuntimeError("a fault there"), "host alpha failed: RuntimeError: a fault there"),
    ],
)
def test_what_is_no_answer_is_one_message(tmp_path: Path, answer: Any, what: str) -> None:
    _, outcomes = measured(Connection({ALPHA: answer, BETA: whole}), tmp_path, PHONES[:1])
    (outcome,) = outcomes.values()
    assert outcome.codes == [ExitCode.INFRASTRUCTURE] and len(outcome.messages) == 1
    assert what in outcome.messages[0]


def test_a_lost_scheduler_is_no_lost_host(tmp_path: Path) -> None:
    hosts = dict.fromkeys((ALPHA, BETA), lambda *_: BROKEN)
    _, outcomes = measured(Connection(hosts, away=True), tmp_path, PHONES)
    assert [outcome.messages for outcome in outcomes.values()] == [["the scheduler is away"]] * 3


def ended_soon(connection: Connection) -> Callable[[Job, bytes], Any]:
    """A host that answers when the scheduler has been silent for a while."""

    def measure(job: Job, data: bytes) -> None:
        def look() -> dict[str, Any]:
            if not connection.silent:
                connection.open[ALPHA][0].end(whole(job, data))
            return workers()

        workers = connection.workers
        connection.workers = look  # type: ignore[method-assign]

    return measure


def test_a_scheduler_that_gives_no_answer_for_a_while_costs_nothing(tmp_path: Path) -> None:
    connection = Connection({}, silent=2)
    connection.hosts = {ALPHA: ended_soon(connection)}
    _, outcomes = measured(connection, tmp_path, PHONES[:1])
    assert [outcome.codes for outcome in outcomes.values()] == [[]]
    assert not connection.silent


def test_a_scheduler_that_gives_no_answer_for_long_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection({ALPHA: never}, silent=1000)
    monkeypatch.setattr(front, "Watch", lambda: Watch(silence_s=0.0))
    _, outcomes = measured(connection, tmp_path, PHONES[:1])
    assert [outcome.messages for outcome in outcomes.values()] == [["no answer"]]


def test_a_connection_that_broke_has_the_device_given_to_its_host_again(tmp_path: Path) -> None:
    times: list[int] = []

    def broken(job: Job, data: bytes) -> Any:
        times.append(1)
        return BROKEN if len(times) == 1 else whole(job, data)

    connection = Connection({ALPHA: broken}, silent=1)
    _, outcomes = measured(connection, tmp_path, PHONES[:1])
    assert [outcome.codes for outcome in outcomes.values()] == [[]] and len(connection.jobs) == 2


def test_a_connection_that_breaks_all_the_time_is_given_up(tmp_path: Path) -> None:
    _, outcomes = measured(Connection({ALPHA: lambda *_: BROKEN}), tmp_path, PHONES[:1])
    (outcome,) = outcomes.values()
    assert outcome.codes == [ExitCode.INFRASTRUCTURE] and "broke 5 times" in outcome.messages[0]


def test_a_phone_that_another_run_has_is_not_waited_for_without_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_BEGIN_S", 0.0)
    connection = Connection({ALPHA: never}, held=True)
    _, outcomes = measured(connection, tmp_path, PHONES[:1])
    (outcome,) = outcomes.values()
    assert outcome.codes == [ExitCode.INFRASTRUCTURE] and "another run has the phone" in outcome.messages[0]
    assert len(connection.cancelled) == 1


def test_a_device_that_is_at_work_is_waited_for_whatever_wait_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_BEGIN_S", 0.0)
    connection = Connection({ALPHA: never})
    _, outcomes = measured(connection, tmp_path, PHONES[:1], stop=True)
    assert [outcome.codes for outcome in outcomes.values()] == [[]] and not connection.cancelled


def test_what_goes_on_with_the_run_names_the_scheduler(tmp_path: Path) -> None:
    connection = Connection({ALPHA: never}, gone={ALPHA})
    kept = KeptScheduler(address="tls://lab:8786", certificates=str(tmp_path / "users"))
    run, outcomes = measured(connection, tmp_path, PHONES[:1], scheduler=kept)
    command = f"harness run --resume {run.path} --scheduler tls://lab:8786 --certificates {tmp_path}/users"
    assert outcomes["pixel-3"].messages[0].endswith(command)
    told = SessionOutcome("", messages=["see to it, then: harness run --resume /there/run"]).told()
    connection = Connection({ALPHA: lambda job, data: answered(job, b"", messages=told["messages"])})
    _, outcomes = measured(connection, tmp_path, PHONES[:1])
    assert outcomes["pixel-3"].messages == [f"see to it, then: {command}"]


def test_a_stop_brings_back_what_was_measured(tmp_path: Path) -> None:
    connection = Connection({ALPHA: never, BETA: whole})
    run, outcomes = measured(connection, tmp_path, PHONES[:1], stop=True)
    assert connection.stopped == [ALPHA]
    (outcome,) = outcomes.values()
    assert outcome.codes == [] and run.device(outcome.name).records.exists()


def test_a_host_that_was_stopped_leaves_its_device_unfinished(tmp_path: Path) -> None:
    def ended(job: Job, data: bytes) -> Any:
        return answered(job, b'{"seq":0}\n', stopped=True)

    run, outcomes = measured(Connection({ALPHA: ended, BETA: whole}), tmp_path, PHONES[:1])
    (outcome,) = outcomes.values()
    assert outcome.codes == [ExitCode.INFRASTRUCTURE] and "host alpha was stopped" in outcome.messages[-1]
    assert run.device(outcome.name).records.exists()


def test_the_phones_of_one_address_on_two_hosts_are_two() -> None:
    one, other = (replace(each, host=host) for each, host in zip(PHONES[:2], ("alpha", "beta"), strict=True))
    assert one.identity.host != other.identity.host
    assert isinstance(one.identity, Identity)
