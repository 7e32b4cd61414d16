"""A host does for a device what it is asked, keeps what it has measured, and ends in order."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.hosts.replay import Recording, ReplayPhone
from harness.devices.base import Attached, Device, Key, Unusable, key_of
from harness.devices.phone_id import PhoneId
from harness.errors import HarnessError, InfrastructureError, NoDeviceError
from harness.exit_codes import ExitCode
from harness.hosts import artefacts, bench
from harness.hosts.artefacts import part_of
from harness.hosts.bench import Bench
from harness.hosts.schema import Answer, Job, Lacks, WorkerQuestion
from harness.hosts.spool import Spool, forget
from harness.measure.context import Work
from harness.measure.fitness import read_workers
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.measure.run import identity_file, manifest
from harness.measure.run.outcome import SessionOutcome
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.model.worker import Worker
from harness.store.manifest import Manifest
from harness.store.rundir import RunDir
from harness.toolchain.builder import Built
from tests.elf import program

pytestmark = pytest.mark.unit

PROGRAM = b"\x7fELF program"
RECORDING = Recording("0-1", b"", [], [])


@dataclass
class Source:
    """Phones that come and go."""

    phones: list[ReplayPhone] = field(default_factory=list)
    unusable: tuple[Unusable, ...] = ()

    def attached(self) -> Attached:
        return Attached(devices=tuple(cast("list[Device]", self.phones)), unusable=self.unusable)

    def present(self) -> Collection[Key]:
        return {key_of(cast(Device, phone)) for phone in self.phones}

    def newcomers(self, known: Collection[Key], beside: Sequence[Device]) -> Attached:
        found = [phone for phone in cast("list[Device]", self.phones) if key_of(phone) not in known]
        return Attached(devices=tuple(found), unusable=self.unusable)

    def again(self, device: Device) -> Attached:
        if not any(phone.serial == device.serial for phone in self.phones):
            raise NoDeviceError(f"device {device.serial!r} is not attached")
        return Attached(devices=(device,))


class Session:
    """In the place of the true one: writes a record, or waits for its end."""

    waits = False
    seen: Any = None

    def __init__(self, device: Device, name: str, run: RunDir, work: Work, progress: Any) -> None:
        type(self).seen = (run, work)
        self._device, self._name, self._run, self._work, self._progress = device, name, run, work, progress

    def measure(self) -> SessionOutcome:
        directory = self._run.device(self._name)
        identity_file.write(directory.identity, self._name, self._device.identity, self._device.topology())
        count = len(directory.records.read_bytes().splitlines()) if directory.records.exists() else 0
        with directory.records.open("ab") as file:
            file.write(json.dumps({"seq": count}).encode() + b"\n")
        self._progress.remark("at work")
        if self.waits:
            assert self._work.stop.wait(20)
        return SessionOutcome(self._name, samples=count)


@pytest.fixture
def source() -> Source:
    return Source([ReplayPhone(1, RECORDING), ReplayPhone(2, RECORDING)])


@pytest.fixture
def host(source: Source, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench("alpha", source, lambda _: None)
    made.look()
    made.content.take(sha256(PROGRAM).hexdigest(), PROGRAM)
    monkeypatch.setattr(bench, "Session", Session)
    monkeypatch.setattr(Session, "waits", False)
    return made


def kept(folder: Path, *workers: Worker) -> Manifest:
    program = folder / "convbench"
    program.write_bytes(PROGRAM)
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1, workers=workers)
    built = Built(program, program, "0" * 40, "zig", "arm64-v8a", 0.0, True)
    return manifest.new(request, ["replay-1"], Programs({"arm64-v8a": built}, "arm64-v8a"), ["harness"], {})


def asked(host: Bench, made: Manifest, data: bytes = b"", number: int = 1) -> tuple[Answer, bytes]:
    digest = PhoneId.of(ReplayPhone(number, RECORDING).identity).digest
    job = Job(manifest=made, device="replay-1", phone=digest, abi="arm64-v8a", wait_s=0)
    text, archive = host.measure(job.model_dump_json(by_alias=True), data, "key", lambda _: None)
    return Answer.model_validate_json(text), archive


def test_a_device_is_measured_by_the_runs_own_request(host: Bench, tmp_path: Path) -> None:
    answer, archive = asked(host, kept(tmp_path))
    run, work = Session.seen
    assert work.request.suite == "smoke" and work.programs.by_abi["arm64-v8a"].path.read_bytes() == PROGRAM
    assert run.path.name == run.run_id  # what others are told that the phone is held for
    assert not answer.stopped and answer.outcome["codes"] == []
    front = RunDir(tmp_path / "front")
    artefacts.take(front, "replay-1", archive, "it")
    assert front.device("replay-1").records.read_bytes() == b'{"seq": 0}\n'
    assert host.active == []


def test_what_the_front_end_has_not_is_gone_on_from(host: Bench, tmp_path: Path) -> None:
    made = kept(tmp_path)
    _, first = asked(host, made)
    front = RunDir(tmp_path / "front")
    artefacts.take(front, "replay-1", first, "it")
    asked(host, made, artefacts.packed(part_of(front, "replay-1")))  # its answer is lost
    answer, third = asked(host, made, artefacts.packed(part_of(front, "replay-1")))
    assert answer.outcome["samples"] == 2
    artefacts.take(front, "replay-1", third, "it")
    assert front.device("replay-1").records.read_bytes().count(b"\n") == 3
    forget(made.run, "replay-1")
    answer, _ = asked(host, made, artefacts.packed(part_of(front, "replay-1")))
    assert answer.outcome["samples"] == 3  # what came along


def test_what_was_measured_of_another_phone_is_not_gone_on_from(host: Bench, tmp_path: Path) -> None:
    made = kept(tmp_path)
    asked(host, made)
    answer, _ = asked(host, made, number=2)
    assert answer.outcome["samples"] == 0


def test_files_of_workers_lie_where_the_host_has_them(host: Bench, tmp_path: Path) -> None:
    program = tmp_path / "mine"
    program.write_bytes(b"#!/system/bin/sh\n")
    program.chmod(0o755)
    made = kept(tmp_path, Worker(name="mine", program=program))
    answer, _ = asked(host, made)
    assert "lacks the file" in answer.outcome["messages"][0]
    host.content.take(made.workers[0].sha256["mine"], program.read_bytes())
    asked(host, made)
    _, work = Session.seen
    assert work.request.workers[0].program.read_bytes() == b"#!/system/bin/sh\n"
    assert work.request.workers[0].program != program
    spool = Spool(Job(manifest=made, device="replay-1", phone="0" * 16, abi="arm64-v8a", wait_s=0))
    evil = made.workers[0].model_copy(update={"program": "/x/..", "sha256": {"..": "0" * 64}})
    with pytest.raises(InfrastructureError, match="a worker's file is called"):
        spool._worker(evil, host.content)


def test_a_phone_that_is_gone_fails_as_a_device(host: Bench, source: Source, tmp_path: Path) -> None:
    gone = source.phones.pop(0)
    answer, _ = asked(host, kept(tmp_path))
    assert answer.outcome["codes"] == [ExitCode.INFRASTRUCTURE]  # not that of a command line without a device
    assert host.resources[f"phone-{PhoneId.of(gone.identity).digest}"] == 1
    host.look()
    assert set(host.resources) == {f"phone-{PhoneId.of(source.phones[0].identity).digest}", "model-replay-2"}
    answer, _ = asked(host, kept(tmp_path))
    assert "has no such phone any more" in answer.outcome["messages"][0]
    source.phones.append(gone)
    host.look()
    assert len(host.offer().phones) == 2


def test_each_look_tells_what_cannot_be_used_by_then(host: Bench, source: Source) -> None:
    locked = Unusable("L1", "unauthorized", "unlock it", ("UNAUTHORIZED",), "127.0.0.1:5037")
    at_work = replace(locked, serial=source.phones[0].serial, host=source.phones[0].identity.host)
    source.unusable = (locked, at_work)
    host.look()
    assert [bad.serial for bad in host.offer().unusable] == ["L1"]
    source.unusable = ()
    host.look()
    assert host.offer().unusable == []


def test_a_stop_ends_the_runs_work_alone(host: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "waits", True)
    made = kept(tmp_path)
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(asked(host, made)[0]))
    thread.start()
    while not host.progress() or "at work" not in str(host.progress()):
        thread.join(0.01)
    assert host.stop("another-run") == []
    assert host.stop(made.run) == ["replay-1"]
    thread.join(20)
    assert answers[0].stopped


def test_a_host_that_ends_begins_nothing(host: Bench, tmp_path: Path) -> None:
    host.stop_all()
    Session.seen = None
    answer, _ = asked(host, kept(tmp_path))
    assert answer.stopped and Session.seen is None
    host.begin_again()
    answer, _ = asked(host, kept(tmp_path))
    assert not answer.stopped


def test_what_is_no_job_is_refused(host: Bench) -> None:
    with pytest.raises(InfrastructureError, match="a front end: no Job of this harness"):
        host.measure("{}", b"", "key", lambda _: None)


def test_a_phone_that_cannot_run_a_worker_is_told(host: Bench, tmp_path: Path) -> None:
    digests = [PhoneId.of(ReplayPhone(number, RECORDING).identity).digest for number in (1, 2)]
    files = {"arm": program(), "x86": program(machine=62)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o755)

    def asked_of(name: str) -> Lacks:
        read = read_workers([Worker(name="mine", program=tmp_path / name)])
        question = WorkerQuestion.of([*digests, "0" * 16], read)
        return Lacks.model_validate_json(host.lacks_for_workers(question.model_dump_json()))

    assert asked_of("arm").phones == {}
    lack = asked_of("x86").phones
    assert sorted(lack) == sorted(digests) and "is for 64-bit x86-64" in lack[digests[0]].message
    with pytest.raises(HarnessError, match="no WorkerQuestion"):
        host.lacks_for_workers('{"phones": ["../x"], "workers": []}')
