"""``harness run --against`` on this machine: another build in the same rounds."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import program
from harness.exit_codes import ExitCode
from harness.toolchain.builder import build

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of this checkout under another build id: as if it were built of other sources."""
    ours = build("host")
    path = tmp_path_factory.mktemp("other") / "convbench"
    old, new = bytes.fromhex(ours.build_id), bytes.fromhex("ab" * 20)
    text = ours.path.read_bytes()
    assert text.count(old) == 1
    path.write_bytes(text.replace(old, new))
    path.chmod(0o755)
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_two_builds_take_part_in_the_same_rounds(
    bench: Any, another: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bench.folder)
    argv = ["run", bench.suite("body", "point", launches=4), "--device", "local", "--out", "run"]
    code = program.run([*argv, "--against", str(another), "--confirm", "--threshold", "90%"])
    said = capsys.readouterr()
    # The samples are too short to tell anything of: that it ends by its own words is enough.
    assert code in (ExitCode.DONE, ExitCode.TOO_LITTLE_DATA), said.out + said.err
    run = bench.run.path
    rows = table(run / "results.csv")
    assert {(row["build_name"], row["status"]) for row in rows if row["algorithm"] != "direct"} == {
        ("checkout", "ok"), (str(another), "ok"),
    }  # fmt: skip
    rounds: dict[tuple[str, ...], set[str]] = {}
    for record in bench.run.records("sample"):
        place = tuple(str(record[key]) for key in ("launch", "layer", "round"))
        rounds.setdefault(place, set()).add(record["build"])
    assert rounds and all(len(builds) == 2 for builds in rounds.values())
    assert {row["build"] for row in table(run / "aa.csv")} == {"ab" * 6}
    decided = table(run / "compare.csv")
    assert decided and {(row["base"], row["base_name"], row["how"]) for row in decided} == {
        ("ab" * 6, str(another), "pairs")
    }
    assert (run / "compare.html").exists() and f"checkout against {another}" in said.out
    (kept,) = json.loads((run / "manifest.json").read_text())["against"]
    assert (run / "programs" / f"host-{'ab' * 6}").read_bytes() == another.read_bytes()
    assert kept["kind"] == "program"
    assert program.run(["run", "--resume", "run", "--threshold", "90%", "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert "nothing missing" in told["messages"][0] and len(told["compare"]["rows"]) == len(decided)
    assert program.run(["compare", "run", "--out", "elsewhere"]) in (ExitCode.DONE, ExitCode.TOO_LITTLE_DATA)
    assert len(table(bench.folder / "elsewhere/compare.csv")) == len(decided)


def test_nothing_to_compare(bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(bench.folder)
    argv = ["run", bench.suite("point"), "--device", "local", "--against", str(build("host").path), "--out", "same"]
    assert program.run(argv) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("nothing to compare: ")
    assert not (bench.folder / "same").exists()
    assert program.run([*argv, "--against", "./-x"]) == ExitCode.USAGE
    assert "neither a path nor a revision" in capsys.readouterr().err
