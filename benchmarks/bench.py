"""The library on this machine, one core: ``make bench``.

First how near it comes to the machine's limits (benchmarks/limits.py), then the guard on the baseline
(benchmarks/baseline.py): exit 1 where im2col as published is slower than the better order of loops allows, exit 4 where
that could not be judged.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import baseline, limits
from benchmarks.commandline import start
from benchmarks.local import info, measure, program, say, target
from benchmarks.peers.hidden_features import hide_avx512
from harness.errors import InfrastructureError
from harness.exit_codes import ExitCode
from harness.model.policy import CACHE_MODES, Policy
from harness.model.suite import select_layers

POLICY = Policy(name="bench", launches=6, rounds=3, min_ms=10, block_budget_s=30)
QUICK = Policy(name="bench-quick", launches=4, rounds=2, min_ms=4, block_budget_s=12)


def command(
    layers: Annotated[
        str, typer.Option("--layers", metavar="GLOB", help="Only layers whose name matches, as in 'vgg16_d-*'.")
    ] = "*",
    quick: Annotated[bool, typer.Option("--quick", help="4 launches of 2 short rounds: wider intervals.")] = False,
    no_avx512: Annotated[bool, typer.Option("--no-avx512", help="As on a machine with AVX2 at most.")] = False,
) -> None:
    """Shares of the FMA peak and of memcpy; im2col as published against its better order, and against its best.

    About ten minutes on one core, two with --quick.

    Exit 1: on a layer, or in the mean, the interval of published im2col over the better whole-matrix order ends below
    0.85 or 0.95. Exit 4: nothing falls short, but something could not be judged.
    """
    chosen = select_layers(baseline.layers(), layers)
    policy = QUICK if quick else POLICY
    with tempfile.TemporaryDirectory() as folder:
        exe = without_avx512(program().path, Path(folder)) if no_avx512 else program().path
        kernel = str(info(exe)["default_kernel"])
        ways = baseline.variants(CACHE_MODES)
        print(
            f"{len(chosen)} layers, kernel {kernel}, {policy.launches} launches of {policy.rounds} rounds", flush=True
        )
        stream = measure(chosen, policy, ways, ["bench"], exe)
        for line in limits.lines(stream, chosen, exe, target().cpu):
            print(line)
    found = baseline.findings(stream)
    for cache in CACHE_MODES:
        print()
        for line in baseline.lines(found, cache):
            print(line)
        print()
        for line in baseline.order_lines(found, cache):
            print(line)
    raise typer.Exit(_verdict(baseline.judged(found, [layer.name for layer in chosen], CACHE_MODES)))


def without_avx512(exe: Path, folder: Path) -> Path:
    """A copy of the program that takes this machine for one without AVX-512; itself where that is so.

    Raises InfrastructureError where it cannot be made.
    """
    if not any("avx512" in feature for feature in info(exe)["cpu_features"]):
        say("--no-avx512: this machine has no AVX-512, so it changes nothing")
        return exe
    copy = folder / f"{exe.name}-no-avx512"
    try:
        hide_avx512(exe, copy)
    except (OSError, ValueError) as error:
        raise InfrastructureError(f"without AVX-512: {error}", "see benchmarks/peers/hidden_features.py") from None
    return copy


def _verdict(judgement: baseline.Judgement) -> ExitCode:
    print()
    for text in judgement.short:
        print(f"FALLS SHORT  {text}")
    if judgement.unjudged:
        print(f"not judged, too few launches or none: {', '.join(judgement.unjudged)}")
    if judgement.short:
        return ExitCode.WRONG_RESULT
    if judgement.unjudged:
        return ExitCode.TOO_LITTLE_DATA
    print(
        "nothing falls short: no interval of the published im2col's speed over its better order's ends below "
        f"{baseline.LEAST_LAYER} on a layer, or {baseline.LEAST_MEAN} in the mean"
    )
    return ExitCode.DONE


if __name__ == "__main__":
    start(command)
