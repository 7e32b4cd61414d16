"""``harness tune``: measures once what is best for each layer, and writes tables that the library loads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.errand import Asked, with_shared_options
from harness.cli.say import result, say, shown_path
from harness.errors import ExitCode
from harness.measure import tune
from harness.model.layer import Layer


@with_shared_options
def command(
    asked: Asked,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Tables go to DIR/<device>/<cluster>.tuned.")],
    budget: Annotated[
        float, typer.Option("--budget", metavar="S", min=0.1, max=600.0, help="Seconds for each layer on a cluster.")
    ] = 3.0,
    clusters: options.Clusters = None,
) -> ExitCode:
    """Measure which algorithm, kernel and blocks are best for each layer, on each cluster of each device."""
    suite, layers = asked.read()
    request = asked.request(suite, _each_shape_once(layers), ("auto",), cpus=options.cpus_of(clusters))
    return asked.perform(lambda devices, stop: tune.tune_all(devices, request, budget, out, stop, say), _show)


def _each_shape_once(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """A table knows layers by their shape, whatever they clamp to."""
    return tuple({layer.shape_key[:-2]: layer for layer in reversed(layers)}.values())[::-1]


def _show(done: tune.Tuned) -> None:
    for layer in done.layers:
        ratio = "not measured" if layer.ratio is None else f"x{layer.ratio:.3f}"
        better = "stays" if layer.best == layer.model else f"-> {layer.best}"
        result(f"{done.name} {layer.cluster} {layer.layer}: {layer.model} {better} {ratio}")
    for skipped in done.skipped:
        result(f"{done.name}: left out {skipped}")
    for table in done.tables:
        result(f"{done.name}: {shown_path(table)}")
