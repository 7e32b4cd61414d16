"""The store: it only grows, takes each run once, and tells what it cannot read."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from benchmarks.history import KEY, make_night
from harness.bundle.making import make_bundle
from harness.bundle.opening import opened
from harness.errors import InfrastructureError, UsageError
from harness.history import columns
from harness.history.columns import COLUMNS, RunRows, rows_of
from harness.history.store import Store
from harness.results.columns import RESULT_COLUMNS
from harness.results.results import make_results
from harness.store import parquet, pseudonym_key

pytestmark = pytest.mark.unit


def test_every_run_is_there_with_who_and_when(filled: Store) -> None:
    kept = filled.additions()
    assert [each.run for each in kept] == [f"night-{n:03d}" for n in range(10)]
    assert {(each.addition, each.rows, each.devices, each.suite) for each in kept} == {(1, 6, ("pixel-3",), "quick")}
    assert str(kept[3].started) == "2026-09-04 02:00:00"
    assert sorted(path.name for path in (filled.path / "runs").iterdir()) == [f"{each.run}.1.parquet" for each in kept]


def test_its_files_have_the_table_of_results_and_more(filled: Store, nights: list[Path]) -> None:
    file = filled.path / "runs" / "night-002.1.parquet"
    found = parquet.query("SELECT layer, variant, median_ns FROM read_parquet($1)", [file], "a test")
    rows = make_results(nights[2]).rows
    assert [each[:2] for each in found] == [(row.key.layer, row.key.variant) for row in rows]
    times = [each[2] for each in found]
    assert times == [row.time and pytest.approx(row.time.value, rel=1e-8) for row in rows]
    described = [each[0] for each in parquet.query("DESCRIBE SELECT * FROM read_parquet($1)", [file], "a test")]
    assert tuple(described) == COLUMNS and set(RESULT_COLUMNS) < set(COLUMNS)


def test_no_serial_number_is_in_it(filled: Store) -> None:
    assert all(b"8A9X0SERIAL" not in path.read_bytes() for path in filled.path.rglob("*") if path.is_file())
    phones = {row[0] for row in filled.newest(["phone"])}
    assert len(phones) == 1 and len(phones.pop()) == 16


def test_a_run_twice_is_told_and_changes_nothing(rows: list[RunRows], tmp_path: Path) -> None:
    store = Store(tmp_path / "h")
    first, is_new = store.add(rows[0])
    before = (store.path / "runs" / "night-000.1.parquet").read_bytes()
    again, is_newer = store.add(rows[0])
    assert (is_new, is_newer) == (True, False) and again == first
    assert [path.name for path in (store.path / "runs").iterdir()] == ["night-000.1.parquet"]
    assert (store.path / "runs" / "night-000.1.parquet").read_bytes() == before


@pytest.mark.parametrize("change", [{"harness": "9.9"}, {"rules": 99}, {"source": "0" * 64}])
def test_a_repeat_by_another_tool_is_a_new_addition_beside_the_old(
    change: dict[str, Any], rows: list[RunRows], tmp_path: Path
) -> None:
    store = Store(tmp_path / "h")
    old = store.add(rows[0])[0]
    values = {name: (columns.OF_RUN[name], [value] * rows[0].rows) for name, value in change.items()}
    other = replace(rows[0], **change, columns={**rows[0].columns, **values})
    kept, is_new = store.add(other)
    assert is_new and kept.addition == 2 and store.add(other) == (kept, False) and store.add(rows[0]) == (old, False)
    assert store.additions() == [old, kept]
    assert [row[0] for row in store.newest(["addition"])] == [2] * rows[0].rows  # of each run the newest alone


def test_a_file_that_is_there_is_never_written_over(rows: list[RunRows], tmp_path: Path) -> None:
    store = Store(tmp_path / "h")
    store.add(rows[0])
    file = store.path / "runs" / "night-000.1.parquet"
    before = file.read_bytes()
    with pytest.raises(InfrastructureError, match="File exists"):
        store._write(rows[0], 1)
    assert file.read_bytes() == before and len(list(file.parent.iterdir())) == 1


def test_a_run_and_its_bundle_are_one(nights: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = make_bundle(nights[0], tmp_path / "b.zip")
    key = pseudonym_key.made_key()
    store = Store(tmp_path / "h")
    of_run = rows_of(make_results(nights[0]), key)
    with opened(made.out) as run:
        of_bundle = rows_of(make_results(run.path), key)
    assert store.add(of_run)[1] and not store.add(of_bundle)[1]
    assert of_bundle.columns["phone"] == of_run.columns["phone"]


def test_a_standard_error_is_that_of_the_interval(nights: list[Path]) -> None:
    row = make_results(nights[0]).rows[0]
    assert row.time and row.time.low and row.time.high and row.time.launches == 4
    error = columns.log_se(row)
    assert error == pytest.approx(math.log(row.time.high / row.time.low) / 2 / 3.18245, rel=1e-4)
    row.time = None
    assert columns.log_se(row) is None


def test_a_damaged_file_is_named(rows: list[RunRows], tmp_path: Path) -> None:
    store = Store(tmp_path / "h")
    store.add(rows[0])
    file = store.path / "runs" / "night-000.1.parquet"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UsageError, match=r"a Parquet file cannot be read: .*night-000\.1\.parquet"):
        store.additions()


def test_files_of_another_version_are_told(rows: list[RunRows], tmp_path: Path) -> None:
    store = Store(tmp_path / "h")
    (tmp_path / "h" / "runs").mkdir(parents=True)
    store._write(replace(rows[0], columns={**rows[0].columns, "format": (parquet.INTEGER, [2] * rows[0].rows)}), 1)
    with pytest.raises(UsageError, match="it has files of version 2, this reads version 1"):
        store.additions()


def test_what_is_no_store_is_left_alone(rows: list[RunRows], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError, match="is no store of a history"):
            Store(path).add(rows[0])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert Store(tmp_path / "none").additions() == [] and not (tmp_path / "none").exists()


def _edit(run: Path, **more: object) -> None:
    file = run / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | more))


def test_runs_that_have_nothing_to_keep(nights: list[Path], tmp_path: Path) -> None:
    run = shutil.copytree(nights[0], tmp_path / "run")
    suite = json.loads((run / "manifest.json").read_text())["suite"]
    _edit(run, suite={**suite, "mode": "sustained"})
    with pytest.raises(UsageError, match="a sustained run has series of its own"):
        rows_of(make_results(run), KEY)
    _edit(run, suite=suite, started="yesterday")
    with pytest.raises(UsageError, match="its manifest does not tell when it was started"):
        rows_of(make_results(run), KEY)
    (run / "devices" / "pixel-3" / "device.json").write_text("{}")
    with pytest.raises(UsageError, match="it has no results of a known device"):
        rows_of(make_results(run), KEY)


def test_a_device_that_nothing_tells_of_is_left_out(tmp_path: Path) -> None:
    phones = [synthetic.Phone(name=name, serial=f"S-{name}", clusters=(("4-7", "A75", 2803),)) for name in ("a", "b")]
    run = synthetic.make_run(tmp_path / "run", phones, synthetic.LAYERS[1:2], 4, 1, ["hot"])
    (run / "devices" / "a" / "device.json").unlink()
    found = rows_of(make_results(run), KEY)
    assert found.left_out == ("a",) and set(found.columns["device"][1]) == {"b"}


def test_other_builds_of_a_run_are_not_of_its_time(tmp_path: Path) -> None:
    other = synthetic.Other("HEAD~1", times={"im2col": 0.9})
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), others=[other])
    run = synthetic.make_run(tmp_path / "run", [phone], synthetic.LAYERS[1:2], 4, 1, ["hot"])
    assert {row.key.build for row in make_results(run).rows} > {other.build}
    found = rows_of(make_results(run), KEY)
    assert set(found.columns["build"][1]) == {synthetic.BUILD} and found.rows == 3


def test_a_half_finished_run_keeps_its_mark(tmp_path: Path) -> None:
    run = make_night(tmp_path, 0, 1.0)
    _edit(run, status="interrupted")
    store = Store(tmp_path / "h")
    assert store.add(rows_of(make_results(run), KEY))[0].run_status == "interrupted"


@pytest.mark.parametrize("started", ["0001-01-01T00:00:00+05:00", "soon", ""])
def test_a_start_that_is_none_is_refused(nights: list[Path], started: str) -> None:
    results = make_results(nights[0])
    results.run.manifest["started"] = started
    with pytest.raises(UsageError, match="does not tell when it was started"):
        rows_of(results, KEY)
