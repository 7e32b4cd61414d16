"""``harness compare``: files, exit codes, and what is no comparison."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import synthetic
from harness.cli import compare, program
from harness.errors import InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.store.journal import write_atomically

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BASE, NEW (im2col of larger layers takes 5 % longer), AGAIN (as BASE), FEW (three launches)."""
    folder = tmp_path_factory.mktemp("runs")
    for seed, (name, im2col, launches) in enumerate(
        (("BASE", 1.3, 8), ("NEW", 1.365, 8), ("AGAIN", 1.3, 8), ("FEW", 1.3, 3))
    ):
        truth = synthetic.Truth({"larger": im2col}, spread=0.0, launch_sd=0.004, noise_sd=0.004)
        phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), truth=truth, drift=0.0)
        synthetic.make_run(folder / name, [phone], synthetic.LAYERS[1:4], launches, 3, ["hot"], seed)
        manifest = json.loads((folder / name / "manifest.json").read_text())
        policy = manifest["policy"] | {"launches": 8}
        (folder / name / "manifest.json").write_text(json.dumps(manifest | {"run": name, "policy": policy}))
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them, as the current folder."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    copy = Path(shutil.copytree(made, tmp_path / "runs"))
    monkeypatch.chdir(copy)
    return copy


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["BASE", "AGAIN"], ExitCode.DONE, "6 unproven: AGAIN against BASE"),
        (["BASE", "AGAIN", "--threshold", "3%"], ExitCode.DONE, "6 same: AGAIN against BASE, threshold 3 %"),
        (["BASE", "NEW"], ExitCode.REGRESSION, "3 slower, 3 unproven: NEW against BASE"),
        (["NEW", "BASE"], ExitCode.DONE, "3 unproven, 3 faster: BASE against NEW"),
        (["BASE", "NEW", "--threshold", "2%"], ExitCode.REGRESSION, "3 slower, 3 same: NEW against BASE, thres"),
        (["BASE", "NEW", "--threshold", "8%"], ExitCode.DONE, "6 same: NEW against BASE, threshold 8 %"),
        (["BASE", "AGAIN", "--threshold", "0.1%"], ExitCode.TOO_LITTLE_DATA, "6 unproven: "),
        (["BASE", "FEW"], ExitCode.TOO_LITTLE_DATA, "6 unjudged: FEW against BASE"),
    ],
    ids=["again", "again-2", "slower", "faster", "slower-2", "slower-8", "again-0.1", "few"],
)  # fmt: skip
def test_what_is_found(
    argv: list[str], code: ExitCode, words: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.perform(["compare", *argv]) == code
    out = capsys.readouterr().out.splitlines()
    assert any(line.startswith(words) for line in out)
    assert out[-2:] == [f"wrote: {argv[1]}/compare.csv", f"wrote: {argv[1]}/compare.html"]
    rows = list(csv.DictReader((runs / argv[1] / "compare.csv").open(newline="")))
    assert len(rows) == 6


def test_exports_and_json(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = [
        "compare",
        "BASE",
        "NEW",
        "--out",
        "there",
        "--json",
        *(f"--export={name}" for name in ("junit", "markdown")),
    ]
    assert program.perform(argv) == ExitCode.REGRESSION
    told = json.loads(capsys.readouterr().out)
    exports = ["there/exports/compare-junit.xml", "there/exports/compare-markdown.md"]
    assert told["files"] == ["there/compare.csv", *exports, "there/compare.html"]
    assert not (runs / "NEW" / "compare.csv").exists()
    tree = ElementTree.parse("there/exports/compare-junit.xml").getroot()
    assert (tree.attrib["tests"], tree.attrib["failures"], tree.attrib["errors"]) == ("6", "3", "0")
    failed = [case for case in tree.iter("testcase") if case.find("failure") is not None]
    assert {case.attrib["name"].split("/")[1] for case in failed} == {"im2col"}
    for case in failed:
        values = {item.attrib["name"]: item.attrib["value"] for item in case.iter("property")}
        assert float(values["low"]) < float(values["ratio"]) < float(values["high"]) < 1
        failure = case.find("failure")
        assert failure is not None and failure.attrib["type"] == "slower"
        assert "times as fast as the base" in failure.attrib["message"]
    text = Path("there/exports/compare-markdown.md").read_text()
    assert "compared with BASE" in text and text.index("| slower |") < text.index("<details>")


def test_what_cannot_be_judged_is_an_error_and_so_is_what_is_unproven_with_a_threshold(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for new, threshold in (("FEW", []), ("AGAIN", ["--threshold", "0.1%"])):
        program.perform(["compare", "BASE", new, "--export", "junit", *threshold])
        tree = ElementTree.parse(f"{new}/exports/compare-junit.xml").getroot()
        assert (tree.attrib["failures"], tree.attrib["errors"]) == ("0", "6")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["BASE"], "BASE was made without --against: it holds one build alone"),
        (["BASE", "nowhere"], "nowhere is no run directory"),
        (["BASE", "NEW", "--threshold", "2"], "--threshold 2: not a percentage from 0 to 100\n  write it as in 2%"),
        (["BASE", "NEW", "--threshold", "-2%"], "--threshold -2%: not a percentage"),
        (["BASE", "NEW", "--threshold", "0%"], "not a percentage"),
        (["BASE", "NEW", "--threshold", "900%"], "not a percentage"),
        (["BASE", "NEW", "--allow", "ALL"], "--allow ALL: nothing has that name"),
        (["BASE", "NEW", "--export", "gbench"], "it holds a run, not a comparison\n  one of: csv, github-action"),
        (["BASE", "NEW", "--export", "xml"], "--export xml: no such format"),
        (["BASE", "BASE"], "SAME_RUN: both are BASE"),
    ],
    ids=["one", "no-run", "no-percent", "negative", "zero", "large", "allow", "run-format", "format", "same"],
)  # fmt: skip
def test_wrong_use_is_one_message(argv: list[str], words: str, runs: Path) -> None:
    with pytest.raises(UsageError) as error:
        program.perform(["compare", *argv])
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"schema": 1}', "is a run directory of version 1: harness 0.1 reads it"),
        ('{"schema": 3}', "is a run directory of version 3: a newer harness reads it"),
        ('{"schema": 2}', "is damaged"),
        ("{", "is damaged"),
    ],
    ids=["older", "newer", "keys", "cut"],
)
def test_manifests_that_cannot_be_read(text: str, words: str, runs: Path) -> None:
    (runs / "BASE" / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match=words):
        program.perform(["compare", "BASE", "NEW"])


def test_records_cut_in_the_middle_are_compared_as_far_as_they_go(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = runs / "NEW" / "devices" / "pixel-3" / "records.jsonl"
    data = records.read_bytes()
    records.write_bytes(data[: len(data) // 3])
    assert program.perform(["compare", "BASE", "NEW"]) == ExitCode.TOO_LITTLE_DATA
    assert "6 unjudged" in capsys.readouterr().out


def test_a_sample_that_stands_there_twice_is_infrastructure(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = runs / "NEW" / "devices" / "pixel-3" / "records.jsonl"
    lines = records.read_text().splitlines()
    sample = next(line for line in lines if '"type": "sample"' in line)
    records.write_text("\n".join([*lines, sample]) + "\n")
    assert program.run(["compare", "BASE", "NEW"]) == ExitCode.INFRASTRUCTURE
    assert "more than once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("new", "code"), [("AGAIN", ExitCode.INFRASTRUCTURE), ("NEW", ExitCode.REGRESSION)], ids=["again", "slower"]
)
def test_decisions_are_told_though_nothing_can_be_written(
    new: str, code: ExitCode, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "file").touch()
    argv = ["compare", "BASE", new, "--out", "file"]
    assert program.run(argv) == code
    text = capsys.readouterr()
    assert "cannot write" in text.err and "or name another folder with --out DIR" in text.err
    assert f"{new} against BASE" in text.out and "wrote:" not in text.out
    assert program.run([*argv, "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert (told["exit_code"], told["files"]) == (code, [])


def test_a_disk_that_fills_up_leaves_whole_files(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        if path.suffix == ".html":
            raise InfrastructureError(f"cannot write {path}: No space left on device", "free some space")
        write_atomically(path, data)

    monkeypatch.setattr(compare, "write_atomically", full)
    assert program.run(["compare", "BASE", "AGAIN", "--export", "csv"]) == ExitCode.INFRASTRUCTURE
    text = capsys.readouterr()
    assert "No space left" in text.err
    written = ["AGAIN/compare.csv", "AGAIN/exports/compare-csv.csv"]
    assert text.out.splitlines()[-2:] == [f"wrote: {path}" for path in written]
    assert program.run(["compare", "BASE", "AGAIN", "--export", "csv", "--json"]) == ExitCode.INFRASTRUCTURE
    assert json.loads(capsys.readouterr().out)["files"] == [str(runs / path) for path in written]
    assert len(list(csv.DictReader((runs / "AGAIN" / "compare.csv").open(newline="")))) == 6


def test_a_run_of_several_builds_is_compared_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = synthetic.Truth(launch_sd=0.004, noise_sd=0.004)
    other = synthetic.Other("HEAD~1", times={"im2col": 0.96})
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), truth=truth, others=[other])
    run = synthetic.make_run(tmp_path / "RUN", [phone], synthetic.LAYERS[1:3], 8, 3, ["hot"])
    assert program.perform(["compare", str(run)]) == ExitCode.REGRESSION
    assert "2 slower, 2 unproven: checkout against HEAD~1" in capsys.readouterr().out
    rows = list(csv.DictReader((run / "compare.csv").open(newline="")))
    assert {(row["how"], row["base_name"], row["new_name"]) for row in rows} == {("pairs", "HEAD~1", "checkout")}
    assert (run / "compare.html").read_text().count("Builds of one run") == 1
    with pytest.raises(UsageError, match="--allow PHONE: within a run nothing else differs"):
        program.perform(["compare", str(run), "--allow", "PHONE"])
