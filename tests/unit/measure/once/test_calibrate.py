"""A calibration from a run of A/A pairs alone: what is kept, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.control import calibrations
from harness.measure.once import calibrate
from harness.measure.request import Request
from harness.measure.run import manifest
from harness.model.calibration import now
from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

SHAPES = [synthetic.LAYERS[n] for n in (1, 2, 6)]
LAYERS = tuple(Layer.model_validate_json(json.dumps(shape)) for shape in SHAPES)
POLICY = Policy(name="mine", launches=8, rounds=4)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def made(folder: Path, aa: float | None = 1.0, launches: int = 8) -> tuple[RunDir, Request]:
    run = RunDir(synthetic.make_run(folder / "run", [synthetic.Phone(aa=aa)], SHAPES, launches=launches, rounds=4))
    run.device("pixel-3").events.add("removed")
    asked = Request("s", LAYERS, POLICY.model_copy(update={"launches": launches}), (), 1)
    return run, calibrate.request_for(asked)


def test_what_is_measured_is_a_pair_alone(tmp_path: Path) -> None:
    _, request = made(tmp_path)
    assert (request.suite, request.algorithms, request.aa) == ("calibrate-s", ("indirect",), True)
    assert request.layers == LAYERS


def test_each_cluster_and_cache_mode_has_its_floor_and_it_is_kept(tmp_path: Path) -> None:
    run, request = made(tmp_path)
    (device,) = calibrate.keep(run, request, pytest.fail)
    assert device.has_passed and device.why == ""
    assert [(place.cluster, place.cache, place.pairs) for place in device.found.places] == [
        ("4-7", "hot", 3),
        ("4-7", "rotate", 3),
        ("0-3", "hot", 3),
        ("0-3", "rotate", 3),
    ]
    for place in device.found.places:
        assert place.floor is not None and place.visible is not None and place.worst_visible is not None
        assert 0.001 < place.floor < 0.02  # samples scatter by 1 %, four rounds in each of eight launches
        assert place.visible <= place.worst_visible
        assert place.worst_layer in {layer.name for layer in LAYERS}
    assert device.file is not None
    assert (device.found.build_id, device.found.system) == (synthetic.BUILD, "maker/p/p:12/X/1")
    (phone,) = manifest.owners(run).values()
    assert phone is not None
    assert calibrations.stored(phone, "mine", pytest.fail) == device.found
    assert "SERIAL" not in json.dumps(device.as_json())


def test_one_that_failed_is_kept_as_such(tmp_path: Path) -> None:
    (device,) = calibrate.keep(*made(tmp_path, aa=1.05), pytest.fail)
    assert not device.has_passed and device.file is not None
    assert {(place.verdict, place.failed) for place in device.found.places} == {("failed", 3)}
    assert all(place.floor is not None and place.floor > 0.05 for place in device.found.places)


@pytest.mark.parametrize(("aa", "launches"), [(1.0, 3), (None, 8)], ids=["too few launches", "no pair"])
def test_without_an_interval_nothing_is_kept(tmp_path: Path, aa: float | None, launches: int) -> None:
    (device,) = calibrate.keep(*made(tmp_path, aa, launches), pytest.fail)
    assert (device.file, device.has_passed, device.why) == (None, False, "no A/A pair has an interval")
    assert {(place.verdict, place.floor) for place in device.found.places} == {("unjudged", None)}


def test_it_is_of_the_time_when_it_was_measured_and_replaces_no_newer_one(tmp_path: Path) -> None:
    run, request = made(tmp_path)
    (device,) = calibrate.keep(run, request, pytest.fail)
    assert device.found.utc.isoformat() == "2026-11-21T12:21:30+00:00"  # the manifest's `finished`
    run.update_manifest(finished="2026-11-20T12:00:00Z")
    (older,) = calibrate.keep(run, request, pytest.fail)
    assert (older.file, older.why) == (None, "a newer one, of 2026-11-21 12:21, is kept already")
    (phone,) = manifest.owners(run).values()
    assert phone is not None and calibrations.stored(phone, "mine", pytest.fail) == device.found


@pytest.mark.parametrize("finished", [None, "", "yesterday", "2999-01-01T00:00:00Z"], ids=repr)
def test_without_a_time_that_can_be_it_is_of_now(tmp_path: Path, finished: str | None) -> None:
    run, request = made(tmp_path)
    run.update_manifest(finished=finished)
    (device,) = calibrate.keep(run, request, pytest.fail)
    assert abs((device.found.utc - now()).total_seconds()) < 60


def test_of_a_run_that_is_not_whole_nothing_is_kept(tmp_path: Path) -> None:
    run, request = made(tmp_path)
    lines = run.device("pixel-3").records.read_text().splitlines()
    cut = [line for line in lines if '"launch": 7' not in line or '"conv2_3x3"' not in line]
    run.device("pixel-3").records.write_text("\n".join(cut) + "\n")
    (device,) = calibrate.keep(run, request, pytest.fail)
    assert (device.file, device.why) == (None, "not all of it was measured")
