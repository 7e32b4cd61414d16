"""What is asked most often is answered without importing what it does not need. (Its time is measured, not tested.)"""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.cli.commands import SUMMARIES, overview
from harness.exit_codes import ExitCode

pytestmark = pytest.mark.unit

HEAVY = {"typer", "pydantic", "yaml", "rich", "numpy", "scipy", "altair", "adbutils", "jinja2", "elftools"}


def imported(*argv: str) -> set[str]:
    """The modules that a command line leaves loaded."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('\\n' + ' '.join(sys.modules), file=sys.stderr))\n"
        f"sys.argv = ['harness', *{list(argv)!r}]\n"
        "from harness.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_imports_nothing_heavy(option: str) -> None:
    modules = imported(option)
    assert not modules & (HEAVY | {"inspect", "re", "pathlib", "dataclasses"})
    assert {name for name in modules if name.startswith("harness")} == {
        "harness", "harness.cli", "harness.cli.main", "harness.cli.commands",
    }  # fmt: skip


@pytest.mark.parametrize("argv", [["suites"], ["run", "--help"], ["devices", "--device", "local"]])
def test_a_command_does_not_import_what_others_need(argv: list[str]) -> None:
    heavy = HEAVY - {"typer", "pydantic", "yaml"}
    assert not imported(*argv) & (heavy | {"harness.report", "harness.lab", "harness.devices.adb"})


def test_measuring_this_machine_imports_no_adb_and_no_report() -> None:
    modules = imported("run", "smoke", "--device", "local", "--dry-run")
    assert not modules & (HEAVY - {"typer", "pydantic", "yaml"} | {"harness.report.writer", "harness.devices.adb"})


def test_the_help_names_every_command_in_lines_of_a_terminal() -> None:
    lines = overview().splitlines()
    assert max(map(len, lines)) <= 80
    for title, expected in (("Commands:", SUMMARIES), ("Exit codes:", map(str, map(int, ExitCode)))):
        below = lines[lines.index(title) + 1 :]
        named = [line.split()[0] for line in below[: below.index("")] if line[2] != " "]
        assert named == list(expected)
