"""What goes to stderr and stdout: text alone, remarks that --quiet keeps back, JSON that every reader takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
import typer.testing

from harness.cli import program
from harness.cli.command import Command, as_function
from harness.cli.outcome import Outcome
from harness.cli.say import remarks, result, result_json, say
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.paths import shown_path

pytestmark = pytest.mark.unit


def test_what_a_terminal_would_act_on_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[31m\r\x07b\x9b2J\ud800")
    result("c\x1b]0;title\x07d")
    told = capsys.readouterr()
    assert (told.err, told.out) == ("a?[31m??b?2J?\n", "c?]0;title?d\n")


def test_json_has_what_strict_readers_take(capsys: pytest.CaptureFixture[str]) -> None:
    given = {
        "nan": float("nan"),
        "far": [float("-inf"), 0.5, True, None],
        "lone": "a\udcffb",
        "\ud800": (1,),
        "ok": "é",
    }
    result_json(given)
    text = capsys.readouterr().out
    told = json.loads(text, parse_constant=pytest.fail)
    assert told == {"nan": None, "far": [None, 0.5, True, None], "lone": "a?b", "?": [1], "ok": "é"}


class Talks(Command):
    """Says something, and ends as its environment tells."""

    def __call__(self) -> Outcome:
        say("a remark")
        if self.timeout == 7:
            raise UsageError("wrong", "right")
        return Outcome(ExitCode.DONE if self.timeout is None else ExitCode.TOO_LITTLE_DATA, ("a result",), {"x": 1})


@pytest.mark.parametrize(
    ("argv", "code", "err"),
    [
        ([], 0, "a remark\n"),
        (["--quiet"], 0, ""),
        (["--quiet", "--timeout", "60"], 4, "a remark\n"),
        (["--timeout", "60"], 4, "a remark\n"),
    ],
)
def test_quiet_keeps_remarks_back_unless_it_ends_badly(argv: list[str], code: int, err: str) -> None:
    app = typer.Typer()
    app.command()(as_function(Talks, "talks"))
    done = typer.testing.CliRunner().invoke(app, argv, standalone_mode=False)
    assert (done.return_value, done.stdout, done.stderr) == (code, "a result\n", err)


def test_quiet_tells_remarks_before_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError), remarks(held=True):
        say("a remark")
        assert capsys.readouterr().err == ""
        raise UsageError("wrong")
    assert capsys.readouterr().err == "a remark\n"
    say("and after it as ever")
    assert capsys.readouterr().err == "and after it as ever\n"


def test_what_is_kept_back_has_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    with remarks(held=True):
        for number in range(5000):
            say(str(number))
    assert capsys.readouterr().err.split() == [str(number) for number in range(4000, 5000)]


def test_no_terminal_and_no_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """FORCE_COLOR and the like ask rich and typer for colours where there is none to show them."""
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "PY_COLORS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "interrupt_on_signal", lambda: None)
    for argv in (
        ["--help"],
        ["suites"],
        ["suites", "nope"],
        ["run", "--help"],
        ["rnu"],
        ["doctor", "--device", "local"],
    ):
        program.run(argv)
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err


def test_paths_in_the_current_folder_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "a/b") == "a/b"
    assert shown_path(Path("/elsewhere/b")) == "/elsewhere/b"
