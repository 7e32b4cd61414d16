"""Every command has one form: a dataclass of options, which is called and gives an outcome."""

from __future__ import annotations

import inspect
import re
import shlex
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.testing

from harness.cli import options, program
from harness.cli.command import Command, as_function
from harness.cli.commands import SUMMARIES
from harness.cli.once import Once
from harness.cli.options import DeviceOptions, SuiteOptions
from harness.cli.outcome import Outcome
from harness.cli.run import Run
from harness.devices import discovery
from harness.devices.base import Attached
from harness.devices.local import LocalDevice
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.export.formats import FORMATS
from harness.measure.outcome import DeviceOutcome, Results

pytestmark = pytest.mark.unit


def commands() -> list[type[Command]]:
    found: list[type[Command]] = []
    for name in SUMMARIES:
        command = import_module(f"harness.cli.{name}").COMMAND
        found += command.values() if isinstance(command, dict) else [command]
    return found


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.__name__)
def test_each_field_is_an_option(command: type[Command]) -> None:
    parameters = inspect.signature(as_function(command, "")).parameters
    common = {field.name for field in fields(Command)}
    assert set(parameters) == {field.name for field in fields(command)}
    assert set(list(parameters)[-len(common) :]) == common  # last in --help
    for parameter in parameters.values():
        (info,) = parameter.annotation.__metadata__
        assert info.help


def test_an_option_that_several_commands_have_is_declared_once() -> None:
    seen: dict[str, Any] = {}
    for command in commands():
        hints = inspect.signature(as_function(command, "")).parameters
        for name in set(hints) & {"device", "adb_server", "layers", "toolchain", "ndk", "abi", "as_json", "clusters"}:
            info = hints[name].annotation.__metadata__[0]
            assert vars(seen.setdefault(name, info)) == vars(info)


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.__name__)
def test_metavars_have_no_brackets_or_dots_of_their_own(command: type[Command]) -> None:
    parameters = inspect.signature(as_function(command, "")).parameters.values()
    infos = [parameter.annotation.__metadata__[0] for parameter in parameters]
    names = [info.metavar for info in infos if isinstance(info, typer.models.ArgumentInfo) and info.metavar]
    assert all(re.fullmatch("[A-Z]+", name) for name in names), names  # typer sets them where they belong


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.__name__)
def test_examples_are_command_lines_that_there_are(command: type[Command]) -> None:
    """Each is read as it would be, and not called."""
    assert command.examples
    for line, words in command.examples:
        assert words and len(line) < 79, line
        for part in re.findall(r"harness ([^|>)]+)", line):
            name, *rest = shlex.split(part)
            found = program.Commands()[name]
            if isinstance(found, typer.core.TyperGroup) and not (found.invoke_without_command and rest[0][:1] == "-"):
                found, rest = found.commands[rest[0]], rest[1:]
            found.make_context(name, rest)


@pytest.mark.parametrize("name", SUMMARIES)
def test_help_tells_exit_codes_and_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    program.perform([name, "--help"])
    text = capsys.readouterr().out
    assert "\nExit codes:\n  0    done" in text and f"\nExamples:\n  harness {name}" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_formats_that_run_names_are_those_that_there_are() -> None:
    assert set(options.EXPORTS) == set(FORMATS)
    parameter = inspect.signature(as_function(Run, "run")).parameters["export"]
    assert ", ".join(FORMATS) in parameter.annotation.__metadata__[0].help


@dataclass(frozen=True, kw_only=True)
class Mine(DeviceOptions, SuiteOptions, Command):
    """What is given."""

    own: int = 3

    def __call__(self) -> Outcome:
        return Outcome(ExitCode.TOO_LITTLE_DATA, (repr(self.device), str(self.own)), {"suite": self.suite})


def test_they_arrive_and_the_outcome_is_printed(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(as_function(Mine, "mine"))
    argv = ["mine", "--device", "a", "--device", "b", "--layers", "x*", "--own", "5"]
    runner = typer.testing.CliRunner()
    done = runner.invoke(app, argv, standalone_mode=False)
    assert (done.return_value, done.stdout) == (ExitCode.TOO_LITTLE_DATA, "['a', 'b']\n5\n")
    done = runner.invoke(app, [*argv, "--json"], standalone_mode=False)
    assert (done.return_value, done.stdout) == (
        ExitCode.TOO_LITTLE_DATA,
        '{\n  "schema": 1,\n  "command": "mine",\n  "suite": "mine",\n  "exit_code": 4\n}\n',
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["tune", "smoke"], ["Missing option '--out'", "see: harness tune --help"]),
        (["rnu"], ["No such command 'rnu'. Did you mean 'run'?", "see: harness --help"]),
        (["lab", "foo"], ["No such command 'foo'", "see: harness lab --help"]),
    ],
)
def test_what_is_no_command_line(argv: list[str], words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        program.perform(argv)
    for word in words:
        assert word in str(error.value)


class Fails(Once):
    """One that measured, and found something wrong."""

    def __call__(self) -> Outcome:
        done = DeviceOutcome("local")
        done.note(ExitCode.WRONG_RESULT, "wrong")
        return self.outcome(Results([done], ExitCode.WRONG_RESULT), lambda each: [f"{each.name}: shown"])


def test_results_are_shown_and_messages_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(discovery, "find", lambda *_: Attached((LocalDevice(),)))
    done = Fails()()
    assert (done.code, done.lines) == (ExitCode.WRONG_RESULT, ("local: shown",))
    assert done.value == {
        "exit_code": 1,
        "devices": [{"device": "local", "messages": ["wrong"], "conditions": []}],
        "unusable": [],
        "timed_out": False,
    }
    assert capsys.readouterr().err == "local: wrong\n"
