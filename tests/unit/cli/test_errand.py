"""The options that verify and tune share stand in one place, and reach both."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer.testing

from harness.cli import main, tune, verify
from harness.cli.errand import Asked, with_shared_options
from harness.devices import discovery
from harness.devices.base import Attached
from harness.devices.local import LocalDevice
from harness.errors import ExitCode
from harness.measure.errand import Outcome

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("command", "own"),
    [(tune.command, ["out", "budget", "clusters"]), (verify.command, ["dump", "algorithms", "faces"])],
)
def test_a_command_has_the_shared_options_and_its_own(command: Any, own: list[str]) -> None:
    parameters = inspect.signature(command).parameters
    hints = get_type_hints(Asked, include_extras=True)
    assert list(parameters) == [*hints, *own]
    assert all(parameters[name].annotation == hint for name, hint in hints.items())
    assert all(parameters[name].default == getattr(Asked(), name) for name in hints)


def test_they_arrive(tmp_path: Path) -> None:
    given: list[Any] = []

    @with_shared_options
    def command(asked: Asked, own: int = 3) -> ExitCode:
        """Nothing."""
        given.extend((asked, own))
        return ExitCode.DONE

    app = typer.Typer()
    app.command()(command)
    argv = ["mine", "--device", "a", "--device", "b", "--ndk", str(tmp_path), "--layers", "x*", "--json", "--own", "5"]
    assert typer.testing.CliRunner().invoke(app, argv).exit_code == 0
    assert given == [Asked(suite="mine", device=["a", "b"], ndk=tmp_path, layers="x*", json_output=True), 5]


def test_what_is_required_stays_so() -> None:
    done = typer.testing.CliRunner().invoke(main.app, ["tune", "smoke"], standalone_mode=False)
    assert "parameter: out" in str(done.exception)


def test_results_are_shown_and_messages_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(discovery, "find", lambda *_: Attached((LocalDevice(),)))
    done = Outcome("local")
    done.fail(ExitCode.WRONG_RESULT, "wrong")
    shown: list[Outcome] = []
    assert Asked().perform(lambda devices, stop: [done], shown.append) == ExitCode.WRONG_RESULT
    assert shown == [done] and capsys.readouterr().err == "local: wrong\n"
    assert Asked(json_output=True).perform(lambda devices, stop: [done], shown.append) == ExitCode.WRONG_RESULT
    assert len(shown) == 1 and '"messages"' in capsys.readouterr().out
