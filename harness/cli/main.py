"""The ``harness`` command: its sub-commands, errors as one message, exit codes."""

from __future__ import annotations

import sys
import traceback

import typer

from harness import __version__
from harness.cli import build, devices, lab, report, restore, run, suites, tune, verify
from harness.cli.say import say
from harness.cli.signals import Interrupted, interrupt_on_signal
from harness.errors import ExitCode, HarnessError

app = typer.Typer(
    name="harness",
    help="Benchmark the indirect convolution against im2col + GEMM and direct 1x1, on Android phones and here.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(value: bool) -> None:
    if value:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True)) -> None:
    pass


app.command("run")(run.command)
app.command("report")(report.command)
app.command("devices")(devices.command)
app.command("suites")(suites.command)
app.command("build")(build.command)
app.command("verify")(verify.command)
app.command("tune")(tune.command)
app.command("restore")(restore.command)
app.add_typer(lab.app, name="lab")


def main() -> None:
    """Runs the command line; every failure is one message on stderr and its exit code (docs/formats.md)."""
    interrupt_on_signal()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except HarnessError as error:
        say(f"harness: {error}")
        code = error.exit_code
    except (Interrupted, KeyboardInterrupt, typer.Abort):
        say("harness: interrupted")
        code = ExitCode.INTERRUPTED
    except typer.TyperException as error:  # an unknown command or option, a value of the wrong type
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "harness"
        say(f"harness: {error.format_message()}\n  see: {command} --help")
        code = ExitCode.USAGE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"harness: {where}{error.strerror or error}\n  free some space, or mend the permissions")
        code = _no_output()
    except SystemExit:  # how typer tells that the reader of our output went away
        code = _no_output()
    except Exception:
        traceback.print_exc()
        say("harness: this is a fault of the tool, please report it with the lines above")
        code = ExitCode.INFRASTRUCTURE
    sys.exit(int(code or 0))


def _no_output() -> ExitCode:
    """Keeps the interpreter from writing the rest of the output at its end."""
    sys.stdout = None
    return ExitCode.INFRASTRUCTURE
