"""The ``harness`` command: its sub-commands, errors as one message, exit codes."""

from __future__ import annotations

import sys

import typer

from harness import __version__
from harness.cli import build, devices, lab, report, restore, run, suites, verify
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
app.command("restore")(restore.command)
app.add_typer(lab.app, name="lab")


def main() -> None:
    """Runs the command line; every failure is one message on stderr and the exit code of CONTRACT section 2."""
    try:
        code = app(standalone_mode=False)
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        code = error.exit_code
    except typer.Abort:
        code = ExitCode.INTERRUPTED
    except typer.TyperException as error:  # an unknown command or option, a value of the wrong type
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "harness"
        print(f"harness: {error.format_message()}\n  see: {command} --help", file=sys.stderr)
        code = ExitCode.USAGE
    except KeyboardInterrupt:
        print("harness: interrupted", file=sys.stderr)
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away
        code = ExitCode.INFRASTRUCTURE
    sys.exit(int(code or 0))
