"""``harness history``: add, list, show, plot."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.history import make_night
from harness.cli import program
from harness.exit_codes import ExitCode

pytestmark = pytest.mark.unit

SHARES = [1.0] * 4 + [1.08] * 4


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of eight nights, and their history. Not to be changed."""
    folder = tmp_path_factory.mktemp("history")
    nights = [str(make_night(folder, night, share)) for night, share in enumerate(SHARES)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        assert program.perform(["history", "add", *nights, "--store", str(folder / "history")]) == ExitCode.DONE
    return folder


@pytest.fixture
def here(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(made / "state"))
    monkeypatch.chdir(tmp_path)
    return made


def test_add_tells_of_what_is_there_already(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["history", "add", str(here / "night-000"), "--json"]
    assert program.perform(argv) == ExitCode.DONE
    first = json.loads(capsys.readouterr().out)["runs"]
    assert [(each["run"], each["addition"], each["new"], each["rows"]) for each in first] == [("night-000", 1, True, 6)]
    assert program.perform(argv) == ExitCode.DONE
    again = capsys.readouterr()
    assert json.loads(again.out)["runs"] == [{**first[0], "new": False}]
    assert "night-000 is there already, since " in again.err and "nothing was added" in again.err
    assert [path.name for path in Path("history/runs").iterdir()] == ["night-000.1.parquet"]


def test_add_takes_bundles_and_half_finished_runs(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((here / "night-001" / "manifest.json").read_text()) | {"status": "interrupted"}
    (tmp_path / "CUT").mkdir()
    (tmp_path / "CUT" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "CUT" / "devices").symlink_to(here / "night-001" / "devices")
    program.perform(["bundle", "CUT", "--out", "cut.zip"])
    assert program.perform(["history", "add", "cut.zip"]) == ExitCode.DONE
    said = capsys.readouterr()
    assert "added: night-001, 6 rows" in said.out
    assert "cut.zip: the run is interrupted: what it lacks is not there" in said.err
    program.perform(["history", "list"])
    assert "6 rows, by harness 0.2.0, interrupted" in capsys.readouterr().out


def test_list_by_time(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.perform(["history", "list", "--store", str(here / "history")]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[0].startswith("2026-09-01 02:00  night-000  quick, pixel-3: 6 rows, by harness ")
    program.perform(["history", "list", "--store", "none"])
    assert capsys.readouterr().out == "no runs\n"


def test_show_tells_what_changed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["history", "show", "--store", str(here / "history"), "--layers", "conv2*"]
    assert program.perform(argv) == ExitCode.DONE
    change, last = capsys.readouterr().out.splitlines()
    assert change.startswith("since 2026-09-05: pixel-3 CPUs 4-7, hot, conv2_3x3 im2col: ")
    assert last == "1 changes in 2 series of 8 runs"
    program.perform([*argv, "--json"])
    value = json.loads(capsys.readouterr().out)
    (found,) = value["changes"]
    assert (found["first_run"], found["run_before"], found["kind"]) == ("night-004", "night-003", "step")
    assert found["ratio"] == pytest.approx(1.08, abs=0.015) and found["low"] > 1.05
    assert value["runs"] == 8 and len(value["series"]) == 2


def test_plot_writes_pages(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["history", "plot", "--store", str(here / "history"), "--out", "site"]
    assert program.perform(argv) == ExitCode.DONE
    assert capsys.readouterr().out == "site/index.html\n"
    assert len(list(Path("site").iterdir())) == 2


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["add"], "Missing argument 'RUN'"),
        (["add", "nowhere"], "is no run directory"),
        (["list", "--store", "."], ". is no store of a history"),
        (["plot"], "Missing option '--out'"),
        (["plot", "--out", "."], "--out .: there is something else"),
    ],
)
def test_wrong_use_is_one_message(argv: list[str], words: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.txt").write_text("x")
    assert program.run(["history", *argv]) == ExitCode.USAGE
    assert words in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("package", ["duckdb", "ruptures"])
def test_without_its_packages_it_names_the_command(
    package: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert program.run(["history", "list"]) == ExitCode.USAGE
    assert capsys.readouterr().err == (
        f"harness: harness history needs the package {package}, which is not installed\n"
        f"  install what is missing: {sys.executable} -m pip install 'duckdb>=2' 'ruptures>=1.1.10'\n"
    )


def test_one_bad_run_does_not_keep_the_others_out(
    here: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "bad.zip").write_text("no zip")
    argv = ["history", "add", str(tmp_path / "bad.zip"), str(here / "night-000"), "--store", str(tmp_path / "h")]
    assert program.run(argv) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert "bad.zip is no bundle" in shown.err and shown.out.startswith("added: night-000")


def test_a_device_that_no_series_is_of_is_a_mistake(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["history", "show", "--store", str(here / "history"), "--device", "pixel3"]
    assert program.run(argv) == ExitCode.USAGE
    assert "no series is of that device" in capsys.readouterr().err
