"""What a shell offers while a command line is typed, and the script that asks for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.cli import complete, program
from harness.cli.commands import SUMMARIES
from harness.exit_codes import ExitCode

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "interrupt_on_signal", lambda: None)


def offered(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What bash is told for the last word of a line."""
    monkeypatch.setenv(program.COMPLETION_VARIABLE, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    assert program.run([]) == ExitCode.DONE
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("harness ", list(SUMMARIES)),
        ("harness re", ["report", "restore"]),
        ("harness --v", ["--version"]),
        ("harness lab ", ["up", "down", "list", "fault"]),
        ("harness lab up pixel-3 gal", ["galaxy-s8"]),
        ("harness lab fault 127.0.0.1:6000 batt", ["battery"]),
        ("harness run sm", ["smoke"]),
        ("harness run --policy th", ["thorough"]),
        ("harness run --qu", ["--quiet"]),
        ("harness run --cache hot,", ["hot,rotate"]),
        ("harness run --algorithms indirect,im", ["indirect,im2col", "indirect,im2col-nchw"]),
        ("harness run --allow LOW_B", ["LOW_BATTERY"]),
        ("harness export RUN --format g", ["gbench", "github-action"]),
        ("harness compare A B --allow TOOL", ["TOOLCHAIN"]),
        ("harness build --abi ", ["arm64-v8a", "armeabi-v7a", "x86_64", "host"]),
        ("harness devices --device p", []),
    ],
)
def test_what_is_offered(
    line: str, expected: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered(line, monkeypatch, capsys) == expected


def test_names_of_commands_import_none_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name == "harness.cli.suites"]:
        monkeypatch.delitem(sys.modules, name)
    offered("harness su", monkeypatch, capsys)
    assert "harness.cli.suites" not in sys.modules


def test_runs_are_offered_where_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("runs/one", "runs/two", "elsewhere/three", "runs/no-run"):
        Path(name).mkdir(parents=True)
        (Path(name) / "manifest.json").touch() if "no" not in name else None
    assert complete.runs("") == ["runs/one", "runs/two"]
    assert complete.runs("runs/t") == ["runs/two"]
    assert complete.runs("elsewhere/") == ["elsewhere/three"]
    assert complete.runs(str(tmp_path / "runs/o")) == [str(tmp_path / "runs/one")]
    assert complete.runs("nowhere/") == []


def test_the_script_names_the_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "bash")
    assert program.run(["--show-completion"]) == ExitCode.DONE
    assert f"{program.COMPLETION_VARIABLE}=complete_bash" in capsys.readouterr().out
