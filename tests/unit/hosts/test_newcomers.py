"""A front end's looks at hosts: who is slow, who has joined, and what cannot run a worker there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from harness import __version__
from harness.devices.base import Device
from harness.errors import InfrastructureError, UsageError
from harness.hosts import front
from harness.hosts.connection import NoAnswer
from harness.hosts.described import DescribedPhone
from harness.hosts.front import LabRun
from harness.hosts.schema import Lack, Lacks, Offer, WorkerQuestion
from harness.hosts.watch import Host
from harness.measure.called import named
from harness.measure.fitness import unfit
from harness.model.worker import Worker
from tests.elf import program
from tests.unit.hosts.test_choosing import phone

pytestmark = pytest.mark.unit

ONE, TWO, THREE = phone("1", "alpha"), phone("2", "beta"), phone("3", "beta", "SM-G950F")


@dataclass
class Connection:
    """Phones by host; a host, or the scheduler, that gives no answer so many times."""

    offers: dict[str, list[DescribedPhone]]
    silent: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    lacks: Callable[[WorkerQuestion], Lacks] = lambda _: Lacks(phones={})
    address: str = "tcp://127.0.0.1:8786"

    def hosts(self) -> list[Host]:
        if self._is_silent("scheduler"):
            raise NoAnswer("the scheduler does not answer")
        return [
            Host(f"tcp://{name}", name, __version__, "", True, frozenset(each.phone.digest for each in phones))
            for name, phones in self.offers.items()
        ]

    def ask(self, function: Any, calls: Mapping[str, Sequence[Any]], seconds: float) -> dict[str, Any]:
        return {
            at: self._answer(function.__name__, at.removeprefix("tcp://"), arguments) for at, arguments in calls.items()
        }

    def _answer(self, function: str, name: str, arguments: Sequence[Any]) -> Any:
        self.asked.append(name)
        if self._is_silent(name):
            return TimeoutError()
        if function == "lacks_for_workers":
            return self.lacks(WorkerQuestion.model_validate_json(arguments[0])).model_dump_json()
        phones = [each.phone for each in self.offers[name]]
        return Offer(name=name, harness=__version__, phones=phones, unusable=[]).model_dump_json()

    def _is_silent(self, name: str) -> bool:
        left = self.silent.get(name, 0)
        self.silent[name] = left - 1
        return left > 0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "_JOIN_S", 0.0)


def lab(connection: Connection, said: list[str] | None = None) -> LabRun:
    return LabRun(cast(Any, connection), ([] if said is None else said).append)


def serials(found: Any) -> list[str]:
    return [device.serial for device in found.devices]


def test_who_is_silent_once_is_asked_again_and_said() -> None:
    said: list[str] = []
    connection = Connection({"alpha": [ONE], "beta": [TWO]}, silent={"scheduler": 1, "beta": 1})
    found = lab(connection, said).find([])
    assert serials(found) == ["S1", "S2"] and not found.unusable
    assert said == [
        "the scheduler does not answer; asked again",
        "host beta: no answer yet (it is up, and gives no answer in time); asked again",
    ]
    assert connection.asked == ["alpha", "beta", "beta"]


def test_who_is_silent_twice_is_left_out_or_ends_it() -> None:
    found = lab(Connection({"alpha": [ONE], "beta": [TWO]}, silent={"beta": 2})).find([])
    assert serials(found) == ["S1"]
    assert [(bad.serial, "gives no answer in time" in bad.state) for bad in found.unusable] == [("host beta", True)]
    with pytest.raises(InfrastructureError, match="the scheduler does not answer"):
        lab(Connection({"alpha": [ONE]}, silent={"scheduler": 2})).find([])


def test_phones_of_a_host_that_joins_and_of_one_that_gets_another_phone() -> None:
    connection = Connection({"alpha": [ONE]})
    front_end = lab(connection)
    assert serials(front_end.find(["all"])) == ["S1"]
    assert front_end.newcomers_of(["all"]) is not None and front_end.newcomers_of(["pixel-3"]) is None
    connection.asked.clear()
    assert not front_end.newcomers([], []).devices and not connection.asked  # nothing new: no host is asked
    connection.offers = {"alpha": [ONE], "beta": [TWO]}
    connection.silent["beta"] = 1
    assert not front_end.newcomers([], []).devices  # it gives no answer: asked at the next look
    assert serials(front_end.newcomers([], [])) == ["S2"]
    connection.offers["beta"] = [TWO, THREE, ONE]  # which two hosts reach
    assert serials(front_end.newcomers([], [])) == ["S3"]
    assert connection.asked == ["beta"] * 3 and not front_end.newcomers([], []).devices


def test_hosts_tell_which_phones_cannot_run_a_worker(tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_bytes(program(machine=62))
    file.chmod(0o755)
    seen: list[WorkerQuestion] = []

    def lacks(question: WorkerQuestion) -> Lacks:
        seen.append(question)
        return Lacks(phones={question.phones[0]: Lack(message="is for x86-64", remedy="build it")})

    connection = Connection({"alpha": [ONE], "beta": [TWO, THREE]}, lacks=lacks)
    devices = named(cast(Sequence[Device], [ONE, TWO, THREE]))
    found = unfit(devices, [Worker(name="mine", program=file)], lab(connection).why_not)
    assert sorted(found) == sorted(name for name, device in devices if device.serial in ("S1", "S2"))
    assert {str(why) for why in found.values()} == {"is for x86-64\n  build it"}
    (worker, ((path, needs),)) = seen[0].read()[0]
    assert (worker.name, path, needs.machine_name) == ("mine", file, "64-bit x86-64")
    with pytest.raises(UsageError, match="is for x86-64"):
        unfit(devices[:1], [Worker(name="mine", program=file)], lab(connection).why_not)
    connection.silent = {"alpha": 1, "beta": 1}  # then their sessions will tell
    assert unfit(devices, [Worker(name="mine", program=file)], lab(connection).why_not) == {}
