"""`harness calibrate`, `run --aa` and the policy's `precision` on this machine, whole."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

# How well a ratio is known on a machine that runs tests is chance: the bounds are such that it is not.
POLICY = "launches: 4\nrounds: 2\nmin_ms: 1\nblock_budget_s: 60\ncache: [hot]\nverdicts: false\n"
LAYERS = "  - {name: point, h: 8, w: 8, kh: 1, kw: 1, cin: 8, cout: 16}\n"


def suite(folder: Path, more: str = "") -> str:
    (folder / "tiny.yaml").write_text(POLICY + more)
    (folder / "suite.yaml").write_text(
        f"suite: mine\npolicy: ./tiny.yaml\nalgorithms: [im2col, indirect]\nlayers:\n{LAYERS}"
    )
    return "suite.yaml"


def events(run: Path, name: str) -> list[dict[str, Any]]:
    lines = (run / "devices" / "local" / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]


def samples(run: Path) -> list[dict[str, Any]]:
    lines = (run / "devices" / "local" / "records.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["type"] == "sample"]


def test_what_it_finds_is_kept_and_told_by_later_runs(harness: Callable[..., Any], tmp_path: Path) -> None:
    name = suite(tmp_path)
    done = harness("calibrate", name, "--device", "local", "--out", "calibrated", "--json")
    answer = json.loads(done.out)
    (device,) = answer["devices"]
    (place,) = device["places"]
    assert done.code == answer["exit_code"] == (0 if place["verdict"] == "passed" else 4), done.err
    assert (place["cache"], place["pairs"]) == ("hot", 1)
    assert place["floor"] > 0 and place["visible"] > 0
    assert json.loads(Path(device["file"]).read_text())["policies"]["tiny"]["places"] == [place]
    assert {sample["variant"].partition("/")[0] for sample in samples(tmp_path / "calibrated")} == {"indirect"}

    done = harness("run", name, "--device", "local", "--aa", "--out", "run")
    assert done.code == 0, done.err
    assert " in hot: " in done.out and "A/A " in done.out
    (noted,) = events(tmp_path / "run", "calibration")
    assert (noted["found"]["places"], noted["stale"]) == ([place], [])
    assert "Calibrated on " in (tmp_path / "run" / "report.html").read_text()
    (row,) = csv.DictReader((tmp_path / "run" / "aa.csv").open())
    jobs = [json.loads(line) for line in (tmp_path / "run" / "plan.jsonl").read_text().splitlines()]
    assert all(job["variants"] == ["im2col", "indirect", "indirect/aa"] for job in jobs)
    assert {each["status"] for each in csv.DictReader((tmp_path / "run" / "results.csv").open())} == {"ok"}
    assert row["variant"].startswith("indirect/") and row["copy"] == "indirect/aa"
    assert (row["verdict"] == "passed") == (float(row["low"]) <= 1 <= float(row["high"]))
    measured = {(sample["launch"], sample["round"]) for sample in samples(tmp_path / "run")}
    copies = {(s["launch"], s["round"]) for s in samples(tmp_path / "run") if s["variant"] == "indirect/aa"}
    assert copies == measured and len(copies) == 8  # in the same rounds

    suite(tmp_path, "again_share: 0.5\n")
    done = harness("run", name, "--device", "local", "--out", "later")
    assert "its calibration is not to be relied on: the policy says something else since" in done.err


@pytest.fixture(scope="module")
def precise(command_line: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A run whose policy wants more than launches can give, and what it said."""
    folder = tmp_path_factory.mktemp("precise")
    name, state = suite(folder, "precision: 0.000001\n"), str(folder / "state")
    done = command_line("run", name, "--device", "local", "--out", "run", cwd=folder, XDG_STATE_HOME=state)
    assert done.code == 0, done.err
    return folder / "run", done


def test_launches_go_on_until_the_policy_is_content(
    harness: Callable[..., Any], tmp_path: Path, precise: tuple[Path, Any]
) -> None:
    run, done = tmp_path / "run", precise[1]
    shutil.copytree(precise[0], run)
    assert "precision: 0 of 1 ratios have an interval no wider than" in done.out
    looks = events(run, "looked")
    assert [next(iter(look["launches"].values())) for look in looks] == [4, 8, 12, 16]
    assert looks[-1]["further"] == {}
    assert {sample["launch"] for sample in samples(run)} == set(range(16))
    before = (run / "manifest.json").read_bytes()
    done = harness("run", "--resume", "run")
    assert "nothing missing" in done.err and (run / "manifest.json").read_bytes() == before


def test_a_run_that_ended_before_its_last_look_goes_on(
    harness: Callable[..., Any], tmp_path: Path, precise: tuple[Path, Any]
) -> None:
    """As if the host had been killed while launches that a look had planned were measured."""
    run = tmp_path / "run"
    shutil.copytree(precise[0], run)
    folder = run / "devices" / "local"
    looks = [line for line in (folder / "events.jsonl").read_text().splitlines() if '"looked"' in line]
    kept = [line for line in (folder / "events.jsonl").read_text().splitlines() if line not in looks[1:]]
    (folder / "events.jsonl").write_text("\n".join(kept) + "\n")
    records = (folder / "records.jsonl").read_text().splitlines()
    second = [number for number, line in enumerate(records) if '"type":"header"' in line][1]
    (folder / "records.jsonl").write_text("\n".join(records[: second + 12]) + "\n")
    plan = (run / "plan.jsonl").read_text().splitlines()
    (run / "plan.jsonl").write_text("\n".join(line for line in plan if json.loads(line)["launch"] < 8) + "\n")
    had = {(s["launch"], s["round"], s["position"]) for s in samples(run)}
    done = harness("run", "--resume", "run")
    assert done.code == 0, done.err
    found = [(s["launch"], s["round"], s["position"]) for s in samples(run)]
    assert had <= set(found) and len(found) == len(set(found)) == 16 * 2 * 2
    assert events(run, "looked")[-1]["further"] == {}
