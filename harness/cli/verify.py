"""``harness verify``: correctness without timing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from harness.cli import options
from harness.cli.command import Examples
from harness.cli.once import Once
from harness.cli.outcome import Outcome
from harness.exit_codes import ExitCode
from harness.measure.once import verify
from harness.model.suite import with_options


@dataclass(frozen=True, kw_only=True)
class Verify(Once):
    """Checks every output of every algorithm; says how many results are right."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.WRONG_RESULT: "a wrong result",
        ExitCode.INFRASTRUCTURE: "a device failed, or a worker crashed",
        ExitCode.NO_DEVICE: "",
    }
    examples: ClassVar[Examples] = (
        ("harness verify resnet50", "every output of every algorithm, on each attached phone"),
        ("harness verify smoke --device local --dump out", "inputs, weights and outputs as NumPy files"),
    )

    dump: Annotated[
        Path | None, typer.Option("--dump", metavar="DIR", help="Bring inputs, weights and outputs to DIR/<device>/.")
    ] = None
    algorithms: options.Algorithms = None
    faces: options.Faces = None
    worker: options.Workers = None
    comparator: options.Comparators = None

    def __call__(self) -> Outcome:
        suite, layers = self.read()
        suite = with_options(suite, self.algorithms, self.faces, self.worker or ())
        beside = {"workers": suite.workers, "comparators": options.comparators_of(self.comparator, suite.workers)}
        context = self.context(suite, layers, suite.algorithms, faces=suite.faces, **beside)
        return self.outcome(verify.verify_all(context, self.dump), _lines)


_REASONS = 5  # that are told


def _lines(done: verify.Verified) -> list[str]:
    if done.was_not_begun:
        return [f"{done.name}: nothing was checked"]
    count = done.skipped.total()
    reasons = [
        f"{done.name}: not applicable ({count}): {reason}" for reason, count in done.skipped.most_common(_REASONS)
    ]
    errors = [
        f"{done.name}: {variant}: largest error {relative:.1e} of the sum of magnitudes, {over_bound:.2g} of its bound"
        for variant, (relative, over_bound) in done.errors.items()
    ]
    right = f"{done.name}: {done.checked} results right, {len(done.wrong)} wrong, {count} not applicable"
    return [right, *errors, *reasons]


COMMAND = Verify
