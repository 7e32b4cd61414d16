"""What is left of a run, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.control import settings_journal
from harness.devices.phone_id import PhoneId
from harness.measure.request import Request
from harness.measure.run import leftover
from harness.measure.run.leftover import words
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.plan.jobs import Job
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit


def jobs(*places: tuple[int, str]) -> list[Job]:
    return [Job(launch, layer, 0, 1, (0,)) for launch, layer in places]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (jobs((0, "b"), (0, "a"), (1, "a"), (1, "b")), "launches 1 to 2: all 2 layers"),
        (jobs((3, "b")), "launch 4: b"),
        (jobs((0, "a"), (2, "a"), (3, "b"), (3, "a")), "launches 1, 3: a; launch 4: all 2 layers"),
    ],
)
def test_words(left: list[Job], said: str) -> None:
    assert words(left, ["a", "b"]) == said


@pytest.mark.parametrize("identity", ['"x"', "[]", "null", "{}", "[" * 9999])
def test_a_damaged_device_json_is_no_complete_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: str
) -> None:
    monkeypatch.setattr(leftover, "unmeasured", lambda *_: {})
    run, suite = RunDir(tmp_path), load_suite("smoke")
    (tmp_path / "plan.jsonl").write_text('{"device": "pixel-3", "cluster": "0-3", "launch": 0, "layer": "a"}\n')
    directory = run.device("pixel-3")
    directory.events.add("removed")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    good = '{"serial": "S1", "model": "Pixel 3", "serialno": "8A9X0B1C2"}'
    directory.identity.write_text(f'{{"identity": {good}}}')
    assert leftover.is_complete(run, "pixel-3", request)
    directory.identity.write_text(f'{{"identity": {identity}}}')
    assert not leftover.is_complete(run, "pixel-3", request)


def test_a_device_whose_precision_is_still_to_be_looked_at_is_not_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftover, "unmeasured", lambda *_: {})
    run, suite = RunDir(tmp_path), load_suite("smoke")
    (tmp_path / "plan.jsonl").write_text('{"device": "pixel-3", "cluster": "0-3", "launch": 0, "layer": "a"}\n')
    directory = run.device("pixel-3")
    directory.events.add("removed")
    directory.identity.write_text('{"identity": {"serial": "S1", "model": "Pixel 3", "serialno": "8A9X0B1C2"}}')
    policy = load_policy("smoke").model_copy(update={"precision": 0.01})
    request = Request("smoke", suite.layers, policy, suite.algorithms, 1)
    assert not leftover.is_complete(run, "pixel-3", request)
    directory.events.add("looked", cluster="0-3", further={"a": 6})
    assert not leftover.is_complete(run, "pixel-3", request)
    directory.events.add("looked", cluster="0-3", further={})
    assert leftover.is_complete(run, "pixel-3", request)


def test_a_damaged_journal_is_kept_and_makes_a_device_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftover, "unmeasured", lambda *_: {})
    run, suite = RunDir(tmp_path), load_suite("smoke")
    (tmp_path / "plan.jsonl").write_text('{"device": "pixel-3", "cluster": "0-3", "launch": 0, "layer": "a"}\n')
    directory, phone = run.device("pixel-3"), PhoneId("8A9X0B1C2", "Pixel 3", "", "S1")
    directory.events.add("removed")
    directory.identity.write_text('{"identity": {"serial": "S1", "model": "Pixel 3", "serialno": "8A9X0B1C2"}}')
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    assert leftover.is_complete(run, "pixel-3", request)
    file = settings_journal.file_of(phone)
    file.parent.mkdir(parents=True)
    file.write_text("{")
    assert not leftover.is_complete(run, "pixel-3", request)
    assert file.read_text() == "{"


def test_one_layer_has_a_name_and_many_are_cut() -> None:
    assert words(jobs((0, "a")), ["a"]) == "launch 1: a"
    names = [f"l{number}" for number in range(12)]
    assert words(jobs(*((0, name) for name in names[:10])), names).endswith("l6, l7 and 2 more")
