"""``harness run --shard``: parts of one plan, what cannot be one, and what never came when parts are put together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.cli import program
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.export.formats import formats_of, subjects_of
from harness.export.output import write_into
from harness.measure.run import manifest
from harness.measure.run.clusterplan import planned_lines
from harness.results.results import make_results
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

DRY = ["run", "smoke", "--device", "local", "--dry-run", "--json"]


def jobs(capsys: pytest.CaptureFixture[str], *options: str) -> list[tuple[Any, ...]]:
    assert program.perform([*DRY, *options]) == ExitCode.DONE
    found = json.loads(capsys.readouterr().out)["jobs"]
    return [(job["cluster"], job["launch"], job["layer"], job["seed"]) for job in found]


def test_shards_are_parts_of_one_run_by_what_an_earlier_one_took(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    earlier = synthetic.make_run(tmp_path / "EARLIER", layers=synthetic.LAYERS[:2], launches=1, rounds=1)
    options = ("--durations", str(earlier))
    parts = [jobs(capsys, "--shard", f"{index}/2", *options) for index in (1, 2)]
    assert all(parts) and not set(parts[0]) & set(parts[1])
    seed_of_shards = {job[:3] for part in parts for job in part}
    assert seed_of_shards == {job[:3] for job in jobs(capsys, "--seed", "1")}
    assert parts[0] == jobs(capsys, "--shard", "1/2", *options), "without --seed it is drawn alike"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--shard", "0/3"], "--shard 0/3: no such shard"),
        (["--shard", "4/3"], "--shard 4/3: no such shard"),
        (["--shard", "a/b"], "--shard a/b: not a shard's number"),
        (["--shard", "99/99"], "too few for so many shards"),
        (["--durations", "."], "--durations is for dividing a run"),
        (["--shard", "1/2", "--durations", "/nowhere"], "is no run directory"),
    ],
)
def test_what_is_no_shard(options: list[str], words: str) -> None:
    with pytest.raises(UsageError) as found:
        program.perform([*DRY, *options])
    assert words in found.value.message and found.value.remedy and found.value.exit_code == ExitCode.USAGE


def test_a_run_that_is_resumed_keeps_its_shard(tmp_path: Path) -> None:
    shard = {"index": 1, "count": 2, "plan": "0" * 64, "layers": ["a"]}
    run = _with(synthetic.make_run(tmp_path / "RUN", launches=1, rounds=1), shard)
    kept = manifest.request_of(run.manifest(), None)
    assert kept.shard is not None and kept.shard.model_dump() == shard
    with pytest.raises(UsageError, match="--resume takes everything from the run"):
        program.perform(["run", "--resume", str(run.path), "--shard", "2/2"])


def _with(path: Path, shard: dict[str, Any]) -> RunDir:
    file = path / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"shard": shard, "algorithms": ["im2col", "indirect"]}))
    return RunDir(path)


def test_jobs_of_a_shard_that_never_came_are_failures(tmp_path: Path) -> None:
    """The plan of the whole follows from the manifest of any shard; what nobody measured is a row, and no hole."""
    own, absent = synthetic.LAYERS[:1], synthetic.LAYERS[1:2]
    path = synthetic.make_run(tmp_path / "RUN", layers=own, launches=1, rounds=1, caches=["hot"])
    run = _with(path, {"index": 1, "count": 2, "plan": "0" * 64, "layers": [own[0]["name"]]})
    run.update_manifest(suite={"name": "quick", "layers": [*own, *absent]})
    whole = replace(manifest.request_of(run.manifest(), None), shard=None)
    (device,) = run.manifest().devices
    for label in run.ledger.clusters(device):
        lines = planned_lines(device, label, whole)
        run.add_jobs([line for line in lines if line["layer"] == absent[0]["name"]])
    results = make_results(path)
    statuses = {(row.key.layer, row.status) for row in results.rows if row.algorithm != "direct"}
    assert statuses == {(own[0]["name"], "ok"), (absent[0]["name"], "missing")}
    (junit,) = formats_of(["junit"], "--export")
    (file,) = write_into(path, subjects_of(results, junit), junit)
    text = Path(file).read_text()
    assert f'"{absent[0]["name"]}' in text and 'type="missing"' in text
