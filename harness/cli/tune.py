"""``harness tune``: measures once what is best for each layer, and writes tables that the library loads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from harness.cli import options
from harness.cli.command import Examples
from harness.cli.once import Once
from harness.cli.outcome import Outcome
from harness.exit_codes import ExitCode
from harness.measure.once import tune
from harness.model.layer import Layer
from harness.paths import shown_path


@dataclass(frozen=True, kw_only=True)
class Tune(Once):
    """Writes a table for each cluster; says what is best for each layer."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.INFRASTRUCTURE: "a device failed, or is left without a table",
        ExitCode.NO_DEVICE: "",
    }
    examples: ClassVar[Examples] = (
        ("harness tune resnet50 --out tables", "a table for each cluster of each attached phone"),
        ("harness run resnet50 --tuned tables", "then: `auto` by those tables, beside the others"),
    )

    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Tables go to DIR/<device>/<cluster>.tuned.")]
    budget: Annotated[
        float, typer.Option("--budget", metavar="S", min=0.1, max=600.0, help="Seconds for each layer on a cluster.")
    ] = 3.0
    clusters: options.Clusters = None

    def __call__(self) -> Outcome:
        suite, layers = self.read()
        cpus = options.cpus_of(self.clusters)
        context = self.context(suite, _each_shape_once(layers), ("auto",), cpus=cpus)
        return self.outcome(tune.tune_all(context, self.budget, self.out), _lines)


def _each_shape_once(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """A table knows layers by their shape, whatever they clamp to."""
    return tuple({layer.unclamped_key: layer for layer in reversed(layers)}.values())[::-1]


def _lines(done: tune.Tuned) -> Iterator[str]:
    for layer in done.layers:
        ratio = "not measured" if layer.ratio is None else f"x{layer.ratio:.3f}"
        better = "stays" if layer.best == layer.model else f"-> {layer.best}"
        yield f"{done.name} {layer.cluster} {layer.layer}: {layer.model} {better} {ratio}"
    for skipped in done.skipped:
        yield f"{done.name}: left out {skipped}"
    for table in done.tables:
        yield f"{done.name}: {shown_path(table)}"


COMMAND = Tune
