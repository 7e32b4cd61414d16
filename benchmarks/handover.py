"""Handover: two workers that take turns. One build against itself, or with ``--before`` another build against this one.

Against itself: six layers with the policy ``thorough`` show whether comparing two builds in two processes is as good as
comparing two variants in one: at least five intervals of six should hold 1, and each estimate lie within 1 %.
``--before PROGRAM``: the panel of benchmarks/peers, or another suite (benchmarks/grouped.yaml: groups and images, which
threads share); over 1, this checkout's build is faster than that convbench.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commandline import start
from benchmarks.local import compare, log_ratios, measure, say, shown
from harness.errors import UsageError
from harness.model.layer import Layer
from harness.model.policy import load_policy
from harness.model.suite import load_suite, select_layers
from harness.model.variant import Asked
from harness.plan.jobs import PlannedVariant
from harness.stats.estimate import geometric_mean

LAYERS = (
    "resnet18-conv1_7x7s2",
    "resnet18-conv2_3x3",
    "resnet18-conv4_3x3",
    "squeezenet_v1_0-fire4_squeeze_1x1",
    "resnet50-conv2_expand_1x1",
    "resnet18-conv3_proj_1x1s2",
)
ALGORITHMS = ("indirect", "im2col", "auto")
PANEL = str(Path(__file__).with_name("peers") / "panel.yaml")


def command(
    before: Annotated[Path | None, typer.Option(help="a convbench of another build, for this machine")] = None,
    launches: Annotated[int, typer.Option(min=4, help="with --before")] = 8,
    rounds: Annotated[int, typer.Option(min=1, help="with --before: of each launch")] = 4,
    threads: Annotated[int, typer.Option(min=1, help="with --before: that share a call")] = 1,
    suite: Annotated[str, typer.Option(help="with --before: a suite's name or file")] = PANEL,
    layers: Annotated[str, typer.Option(help="with --before: names of layers, a glob")] = "*",
) -> None:
    """Prints each layer's estimate, and the counts or the means."""
    if before is None:
        against_itself()
    elif not before.is_file():
        raise UsageError(f"--before: {before} is no file", "name a convbench that harness build made")
    else:
        against(before.resolve(), select_layers(load_suite(suite).layers, layers), launches, rounds, threads)


def against_itself() -> None:
    """One build as two workers."""
    policy = load_policy("thorough").model_copy(update={"cache": ("hot",), "launches": 16, "precision": None})
    layers = [layer for layer in load_suite("quick").layers if layer.name in LAYERS]
    variants = [PlannedVariant(index, Asked("indirect"), "hot", build=index, label="indirect") for index in range(2)]
    samples = list(measure(layers, policy, variants, ["first", "second"]).samples)
    held = near = 0
    for layer in layers:
        found = compare(samples, layer.name, ("first", "indirect"), ("second", "indirect"))
        held += found.against_one() == 0
        near += abs(found.value - 1) <= 0.01
        print(f"{layer.name:<36} {shown(found)}")
    print(f"intervals that hold 1: {held} of {len(layers)}; estimates within 1 %: {near} of {len(layers)}")


def against(before: Path, layers: Sequence[Layer], launches: int, rounds: int, threads: int) -> None:
    """This checkout's build beside another one, in ``hot``."""
    update = {"cache": ("hot",), "launches": launches, "rounds": rounds, "min_ms": 15, "block_budget_s": 600.0}
    policy = load_policy("thorough").model_copy(update={**update, "precision": None})
    ways = [(algorithm, build) for algorithm in ALGORITHMS for build in range(2)]
    variants = [
        PlannedVariant(n, Asked(algorithm), "hot", build=build, threads=threads, label=algorithm)
        for n, (algorithm, build) in enumerate(ways)
    ]
    say(f"{len(layers)} layers, {launches} launches of {rounds} rounds, {threads} thread(s), {', '.join(ALGORITHMS)}")
    stream = measure(layers, policy, variants, ["this", "before"], others={"before": before}, threads=threads)
    samples = list(stream.samples)
    print(f"{'this / before':<20} " + " ".join(f"{algorithm:<24}" for algorithm in ALGORITHMS))
    for layer in layers:
        cells = [shown(compare(samples, layer.name, ("this", name), ("before", name)), 3) for name in ALGORITHMS]
        print(f"{layer.name:<20} " + " ".join(f"{cell:<24}" for cell in cells))
    means = [
        geometric_mean([log_ratios(samples, layer.name, ("this", name), ("before", name)) for layer in layers])
        for name in ALGORITHMS
    ]
    cells = [shown(mean, 4) if mean else "no mean" for mean in means]
    print(f"{'geometric mean':<20} " + " ".join(f"{cell:<24}" for cell in cells))


if __name__ == "__main__":
    start(command)
