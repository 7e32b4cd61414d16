"""``harness export``, and --export of ``run``."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.cli import program
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.export.formats import FORMATS
from harness.measure.run import runner

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    other = synthetic.Phone(name="pixel-8", model="Pixel 8", serial="SERIAL0002", clusters=(("0-3", "A510", 1700),))
    phones = [synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),)), other]
    return synthetic.make_run(
        tmp_path_factory.mktemp("runs") / "RUN", phones, synthetic.LAYERS[1:2], launches=4, rounds=2
    )


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return Path(shutil.copytree(made, tmp_path / "RUN"))


@pytest.mark.parametrize("name", FORMATS)
def test_to_stdout_and_to_a_file_the_same(name: str, run: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    argv = ["export", str(run), "--format", name, "--device", "pixel-3"]
    assert program.perform(argv) == ExitCode.DONE
    printed = capfdbinary.readouterr().out
    assert program.perform([*argv, "--out", "to/file"]) == ExitCode.DONE
    assert capfdbinary.readouterr().out == b"to/file\n"
    assert Path("to/file").read_bytes() == printed
    assert len(printed) > 100


def test_nothing_is_added_to_what_a_pipe_gets(run: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    argv = ["export", str(run), "--format", "github-action"]
    assert program.perform(argv) == ExitCode.DONE
    printed = capfdbinary.readouterr().out
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe:
        try:
            assert program.perform([*argv, "--out", f"/dev/fd/{writer}"]) == ExitCode.DONE
        finally:
            os.close(writer)
        assert pipe.read() == printed
    assert capfdbinary.readouterr().out == b""


def test_csv_is_the_table_of_results(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.perform(["report", str(run)])
    capsys.readouterr()
    program.perform(["export", str(run), "--format", "csv", "--out", "mine.csv"])
    assert Path("mine.csv").read_text() == (run / "results.csv").read_text()


def test_json_tells_where_it_went(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.perform(["export", str(run), "--format", "github-action", "--out", "x.json", "--json"])
    text = capsys.readouterr()
    value = json.loads(text.out)
    assert value == {
        "schema": 1, "command": "export", "exit_code": 0,
        "run": str(run), "format": "github-action", "out": "x.json", "summary": None, "results": 12, "with_a_time": 8,
    }  # fmt: skip
    assert "4 of 12 results have no time that can be believed: they are left out" in text.err


def test_markdown_goes_to_the_summary_of_the_job_too(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    program.perform(["export", str(run), "--format", "markdown", "--out", "x.md"])
    program.perform(["export", str(run), "--format", "junit", "--out", "x.xml"])
    assert Path("summary.md").read_text() == Path("x.md").read_text()


@pytest.mark.parametrize("out", [None, "summary.md", "link"], ids=["stdout", "the-summary", "a-link-to-it"])
def test_markdown_is_not_added_to_a_summary_that_it_is_sent_to(
    out: str | None, run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As: harness export RUN --format markdown >> $GITHUB_STEP_SUMMARY."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("link").symlink_to("summary.md")
    argv = ["export", str(run), "--format", "markdown"]
    assert program.perform(argv if out is None else [*argv, "--out", out]) == ExitCode.DONE
    text = capsys.readouterr().out if out is None else Path("summary.md").read_text()
    assert text.count("## quick: ") == 1
    assert Path("summary.md").exists() == (out is not None)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["RUN", "--format", "xml"], "--format xml: no such format\n  one of: bmf, csv"),
        (["RUN"], "Missing option '--format'"),
        (["nowhere", "--format", "csv"], "is no run directory"),
        (
            ["RUN", "--format", "csv", "--device", "x"],
            "--device x: the run has no such device\n  one of: pixel-3",
        ),
        (["RUN", "--format", "bmf"], "bmf holds one device, the run has pixel-3, pixel-8\n  name one with --device"),
        (["RUN", "--format", "csv", "--json"], "name a file with --out"),
        (["RUN", "--format", "csv", "--out", "RUN"], "--out RUN: it is a folder"),
        (["RUN", "--format", "csv", "--policy", "none"], "unknown policy 'none'\n  Known: default, "),
    ],
    ids=["format", "no-format", "no-run", "no-device", "several-devices", "json", "folder", "policy"],
)
def test_wrong_use_is_one_message(argv: list[str], words: str, run: Path) -> None:
    with pytest.raises(UsageError) as error:
        program.perform(["export", *argv])
    assert words in str(error.value)


def test_a_run_of_another_version_is_refused(run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"schema": 3}))
    with pytest.raises(UsageError, match="is a run directory of version 3: a newer harness reads it"):
        program.perform(["export", str(run), "--format", "csv"])


def test_a_run_that_is_cut_short_says_so(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"status": "interrupted"}))
    assert program.perform(["export", str(run), "--format", "junit", "--out", "x"]) == ExitCode.DONE
    assert "the run is interrupted: what it lacks is not here" in capsys.readouterr().err


def test_without_a_time_there_is_too_little_data(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for device in ("pixel-3", "pixel-8"):
        records = run / "devices" / device / "records.jsonl"
        records.write_text(records.read_text().partition("\n")[0] + "\n")
    argv = ["export", str(run), "--out", "x", "--format"]
    assert program.perform([*argv, "github-action"]) == ExitCode.TOO_LITTLE_DATA
    assert json.loads(Path("x").read_text()) == []
    assert program.perform([*argv, "junit"]) == ExitCode.DONE


def test_a_full_disk_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.run(["export", str(run), "--format", "gbench", "--out", "/dev/full"]) == ExitCode.INFRASTRUCTURE
    assert capsys.readouterr().err == (
        "harness: --out /dev/full: cannot write it: No space left on device\n"
        "  free some space, or name a file elsewhere\n"
    )


def test_run_writes_exports_into_the_run(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "start", lambda *_: runner.RunResult(run, [], ExitCode.DONE))
    argv = ["run", "smoke", "--device", "local", "--export", "junit", "--export", "bmf"]
    assert program.perform([*argv, "--json"]) == ExitCode.DONE
    names = ["junit.xml", "bmf.pixel-3.json", "bmf.pixel-8.json"]
    assert json.loads(capsys.readouterr().out)["exports"] == [str(run / "exports" / name) for name in names]
    assert program.perform(argv) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines()[-4:-1] == [f"export: RUN/exports/{name}" for name in names]


def test_run_names_what_it_wrote_before_an_export_failed(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (run / "exports/bmf.pixel-8.json").mkdir(parents=True)
    monkeypatch.setattr(runner, "start", lambda *_: runner.RunResult(run, [], ExitCode.DONE))
    argv = ["run", "smoke", "--device", "local", *(f"--export={name}" for name in ("junit", "bmf", "csv"))]
    assert program.perform([*argv, "--json"]) == ExitCode.INFRASTRUCTURE
    told = capsys.readouterr()
    names = ["junit.xml", "bmf.pixel-3.json"]
    assert json.loads(told.out)["exports"] == [str(run / "exports" / name) for name in names]
    assert "bmf.pixel-8.json: Is a directory" in told.err and "then: harness export RUN --format F" in told.err
    program.perform(argv)
    assert capsys.readouterr().out.splitlines()[-3:-1] == [f"export: RUN/exports/{name}" for name in names]


def test_compare_names_what_it_wrote_before_an_export_failed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "exports/compare-markdown.md").mkdir(parents=True)
    argv = ["compare", "RUN", "RUN", "--allow", "SAME_RUN", "--export", "csv", "--export", "markdown", "--json"]
    assert program.perform(argv) == ExitCode.INFRASTRUCTURE
    files = [Path(name).relative_to(run).as_posix() for name in json.loads(capsys.readouterr().out)["files"]]
    assert files == ["compare.csv", "exports/compare-csv.csv"]


@pytest.fixture
def sustained(run: Path) -> Path:
    """The run as one of mode sustained."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["suite"]["mode"] = "sustained"
    (run / "manifest.json").write_text(json.dumps(manifest))
    return run


@pytest.mark.parametrize("name", FORMATS)
def test_a_sustained_run_is_no_export(name: str, sustained: Path) -> None:
    with pytest.raises(UsageError, match="RUN: no export holds the series of a sustained run: they stand in sustained"):
        program.perform(["export", "RUN", "--format", name, "--device", "pixel-3", "--out", "file"])
    assert not Path("file").exists()


def test_export_of_a_sustained_run_within_run_is_a_remark(
    sustained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "start", lambda *_: runner.RunResult(sustained, [], ExitCode.DONE, touched=False))
    (sustained / "report.html").touch()
    assert program.perform(["run", "smoke", "--device", "local", "--export", "csv", "--json"]) == ExitCode.DONE
    told = capsys.readouterr()
    assert json.loads(told.out)["exports"] == [] and not (sustained / "exports").exists()
    assert "no export holds the series of a sustained run" in told.err


def test_run_refuses_an_unknown_format_before_it_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "start", lambda *_: pytest.fail("it measured"))
    with pytest.raises(UsageError, match="--export yaml: no such format"):
        program.perform(["run", "smoke", "--device", "local", "--export", "yaml"])


def test_an_export_that_could_not_be_written_is_said_and_the_report_stays(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "start", lambda *_: runner.RunResult(run, [], ExitCode.DONE))
    (run / "exports").touch()
    assert program.perform(["run", "smoke", "--device", "local", "--export", "csv"]) == ExitCode.INFRASTRUCTURE
    text = capsys.readouterr()
    assert "cannot write" in text.err and "then: harness export RUN --format F" in text.err
    assert text.out.splitlines()[-1] == "report: RUN/report.html"
