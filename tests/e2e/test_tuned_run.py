"""`harness tune`, then `harness run --tuned` on this machine: a table is used, kept and named, or refused and said."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

POLICY = "launches: 1\nrounds: 1\nmin_ms: 1\nblock_budget_s: 5\ncache: [hot]\ngate_cap_s: 0.1\nverdicts: false\n"
LAYERS = (
    "  - {name: a, h: 8, w: 8, kh: 3, kw: 3, pad: 1, cin: 8, cout: 16}\n"
    "  - {name: b, h: 6, w: 6, kh: 1, kw: 1, cin: 8, cout: 16}\n"
)


def records(run: Path, kind: str) -> list[dict[str, Any]]:
    lines = (run / "devices" / "local" / "records.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["type"] == kind]


def test_tune_then_run(harness: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "mine.yaml").write_text(f"suite: mine\npolicy: ./policy.yaml\nalgorithms: [auto]\nlayers:\n{LAYERS}")
    done = harness("tune", "mine.yaml", "--device", "local", "--layers", "a", "--out", "tables", "--budget", "0.1")
    assert done.code == 0, done.err
    tables = {file.stem: file for file in (tmp_path / "tables" / "local").glob("*.tuned")}
    hashes = {label: sha256(file.read_bytes()).hexdigest() for label, file in tables.items()}

    argv = ("run", "mine.yaml", "--device", "local", "--tuned", "tables", "--out")
    done = harness(*argv, "run")
    assert done.code == 0, done.err
    run = tmp_path / "run"
    assert json.loads((run / "manifest.json").read_text())["tuned"] == {"local": hashes}
    assert [worker["table"]["sha256"] for worker in records(run, "worker")] == list(hashes.values())
    chosen = {(layer["layer"], layer["chosen_by"]) for layer in records(run, "layer")}
    assert chosen == {("a", "table"), ("b", "model")}
    report = (run / "report.html").read_text()
    assert all(value in report for value in hashes.values()) and "auto went by the table on" in report
    for label, file in tables.items():
        assert (run / "devices" / "local" / "plans" / f"{label}.tuned").read_bytes() == file.read_bytes()
        plan = (run / "devices" / "local" / "plans" / f"{label}.1.plan").read_text()
        (line,) = [line for line in plan.splitlines() if line.startswith("tuned path=")]
        assert not Path(line.removeprefix("tuned path=")).parent.exists(), "the folder on the device is removed"

    # It goes on with the tables that it has, wherever they came from; never half by one table and half by another.
    (run / "devices" / "local" / "records.jsonl").write_text("")
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    (tmp_path / "tables").rename(tmp_path / "moved")
    done = harness("run", "--resume", "run")
    assert done.code == 0, done.err
    assert [worker["table"]["sha256"] for worker in records(run, "worker")] == list(hashes.values())
    (tmp_path / "moved").rename(tmp_path / "tables")
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    for label, file in tables.items():
        (run / "devices" / "local" / "plans" / f"{label}.tuned").write_text("other")
        file.write_text(file.read_text().replace("end 1 ", "end 2 "))
    done = harness("run", "--resume", "run")
    assert done.code == 2 and "is not the table that was used" in done.err

    done = harness(*argv, "damaged", "--json")
    assert done.code == 0, done.err
    assert "the tuned table is damaged: it is not used, `auto` goes by the model" in done.err
    assert "damaged" in json.loads(done.out)["messages"][0]
    damaged = tmp_path / "damaged"
    assert {worker["table"]["refused"] for worker in records(damaged, "worker")} == {"the tuned table is damaged"}
    assert {layer["chosen_by"] for layer in records(damaged, "layer")} == {"model"}
    assert "not used: the tuned table is damaged" in (damaged / "report.html").read_text()
