"""``harness verify``: correctness without timing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.errand import Asked, with_shared_options
from harness.cli.say import result, say
from harness.errors import ExitCode
from harness.measure import verify
from harness.model.suite import with_options


@with_shared_options
def command(
    asked: Asked,
    dump: Annotated[
        Path | None, typer.Option("--dump", metavar="DIR", help="Bring inputs, weights and outputs to DIR/<device>/.")
    ] = None,
    algorithms: options.Algorithms = None,
    faces: options.Faces = None,
) -> ExitCode:
    """Compare every output of every algorithm with a double-precision reference, on each device."""
    suite, layers = asked.read()
    suite = with_options(suite, algorithms, faces)
    request = asked.request(suite, layers, suite.algorithms, faces=suite.faces)
    return asked.perform(lambda devices, stop: verify.verify_all(devices, request, dump, stop, say), _show)


def _show(done: verify.Verified) -> None:
    result(f"{done.name}: {done.checked} results right, {len(done.wrong)} wrong, {done.skipped} not applicable")
