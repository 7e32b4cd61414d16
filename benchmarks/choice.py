"""How close `auto` comes to the best of all candidates: ``python -m benchmarks.choice``.

On seeded random layers, and on a panel of layers whose groups have few channels.

Every algorithm, kernel and block that `ic_autotune` would try is measured on every layer, and then the winner and
`auto` once more as a pair. Layers on which `auto` is below 0.9 are measured twice more, in new processes, and the
median counts: the worst of many is mostly noise. One thread, on the last allowed CPU.
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.commandline import start
from benchmarks.compile import compile_with_library
from harness import __version__
from harness.errors import InfrastructureError
from harness.model.layer import Layer
from harness.toolchain.builder import Built, build

LEAST_MACS = 1_000_000
MOST_MACS = 300_000_000
DOUBTFUL = 0.9
_AGAIN = 2  # so that there is a median
OUT = Path("build/choice/choice.json")


@dataclass(frozen=True)
class Row:
    """A layer's measurement, nanoseconds: ``reach`` is the best's time over auto's, measured in turn.

    ``times``: of every candidate, by its name; of one round only where it took three times as long as the best.
    """

    layer: Layer
    auto: str
    best: str
    candidates: int
    auto_ns: float
    best_ns: float
    reach: float
    times: dict[str, float]
    tries: list[float] = field(default_factory=list)  # all that were made of `reach`


def random_layers(count: int, seed: int) -> list[Layer]:
    """Layers as networks have them: sizes and channels evenly over their logarithms, within LEAST_ and MOST_MACS."""
    source = random.Random(seed)  # noqa: S311 - seeded on purpose
    found: list[Layer] = []
    while len(found) < count:
        layer = _random_layer(source, f"r{len(found)}")
        if LEAST_MACS <= layer.macs <= MOST_MACS:
            found.append(layer)
    return found


# Side, kernel, stride, groups, channels of a group: input, output. Depthwise ones with a multiplier among them.
_FEW_CHANNELS = (
    (28, 3, 1, 64, 1, 2),
    (28, 3, 1, 32, 2, 2),
    (56, 3, 1, 2, 1, 2),
    (112, 3, 1, 2, 1, 4),
    (56, 3, 1, 4, 1, 2),
    (14, 3, 1, 32, 4, 4),
    (28, 3, 2, 32, 2, 2),
    (28, 5, 1, 16, 2, 4),
    (14, 3, 1, 128, 1, 2),
    (28, 3, 1, 32, 3, 1),
    (28, 3, 1, 8, 1, 8),
    (56, 3, 1, 2, 2, 2),
    (28, 1, 2, 32, 1, 2),
    (56, 7, 2, 3, 1, 32),
)


def few_channels() -> list[Layer]:
    """Layers of groups of few channels, where what is done for a group may cost more than its products."""
    return [
        Layer.model_validate(
            {
                "name": f"few{number}",
                "h": side,
                "w": side,
                "kh": kernel,
                "kw": kernel,
                "pad": kernel // 2,
                "stride": stride,
                "groups": groups,
                "cin": groups * inputs,
                "cout": groups * outputs,
            }
        )
        for number, (side, kernel, stride, groups, inputs, outputs) in enumerate(_FEW_CHANNELS)
    ]


def _random_layer(source: random.Random, name: str) -> Layer:
    def between(low: int, high: int) -> int:
        return round(math.exp(source.uniform(math.log(low), math.log(high))))

    kernel = source.choice((1, 1, 1, 3, 3, 3, 5, 7))
    height = between(max(7, kernel), 224)
    groups = source.choice((1, 1, 1, 1, 1, 1, 1, 2, 4, 8))
    return Layer.model_validate(
        {
            "name": name,
            "h": height,
            "w": source.choice((height, height, between(max(7, kernel), 224))),
            "kh": kernel,
            "kw": source.choice((kernel, kernel, kernel, kernel, source.choice((1, 3)))),
            "pad": source.choice((kernel // 2, kernel // 2, kernel // 2, 0)),
            "stride": source.choice((1, 1, 1, 2)),
            "groups": groups,
            "cin": groups * between(3 if groups == 1 else 1, 2048 // groups),
            "cout": groups * between(4, 2048 // groups),
        }
    )


def measure(layers: Sequence[Layer], built: Built, ms: float, rounds: int, cpu: int) -> Iterator[Row]:
    """Measures layer after layer. Raises InfrastructureError where the program fails."""
    with tempfile.TemporaryDirectory() as folder:
        program = compile_with_library(Path(__file__).with_name("choice.c"), built, Path(folder))
        with subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(f"{cpu}\n")
            for layer in layers:
                sizes = (layer.h, layer.w, layer.kh, layer.kw, *layer.pad, *layer.stride, *layer.dilation)
                rest = (layer.groups, layer.batch, layer.cin, layer.cout)
                process.stdin.write(f"{ms * 1e6:.0f} {rounds} {' '.join(map(str, sizes + rest))}\n")
                process.stdin.flush()
                yield _row(layer, process.stdout.readline())
            process.stdin.close()


def _row(layer: Layer, line: str) -> Row:
    value: dict[str, Any] = json.loads(line) if line else {}
    if not value:
        raise InfrastructureError(f"benchmarks/choice.c stopped on {shape(layer)}", "look into it with a debugger")
    return Row(layer, **value)


def shape(layer: Layer) -> str:
    """As in ``56x56 3x3 s1x1 64->128``."""
    text = f"{layer.h}x{layer.w} {layer.kh}x{layer.kw} s{layer.stride[0]}x{layer.stride[1]} {layer.cin}->{layer.cout}"
    return text + (f" g{layer.groups}" if layer.groups > 1 else "") + ("" if any(layer.pad) else " p0")


def settled(every: Sequence[Sequence[Row]]) -> list[Row]:
    """Of each layer of the first try the row whose ``reach`` is the median of its tries."""
    found = []
    for row in every[0]:
        each = [r for rows in every for r in rows if r.layer == row.layer]
        middle = sorted(each, key=lambda r: r.reach)[len(each) // 2]
        found.append(replace(middle, tries=[r.reach for r in each]))
    return found


def _line(row: Row) -> str:
    return f"{row.reach:6.3f}  {shape(row.layer):<36} {row.auto:<38} {row.best if row.reach < 0.98 else ''}"


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Geometric mean, worst and the share of layers on which `auto` is the best or within 2 %.

    `auto` is one of the candidates, so over 1 is noise and counts as 1.
    """
    reach = [min(row.reach, 1.0) for row in rows]
    return {
        "layers": len(rows),
        "geometric_mean": math.exp(sum(map(math.log, reach)) / len(reach)),
        "worst": min(reach),
        "within_2_percent": sum(value >= 0.98 for value in reach) / len(reach),
    }


def command(
    layers: Annotated[int, typer.Option("--layers", min=0, help="How many random ones.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Of the layers.")] = 1,
    ms: Annotated[float, typer.Option("--ms", min=0.1, help="Of each candidate in each round.")] = 5.0,
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=29)] = 5,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="JSON.")] = OUT,
) -> None:
    """Measures, prints a line per layer and the means, and writes them as JSON."""
    run([*random_layers(layers, seed), *few_channels()], seed, ms, rounds, out, lambda text: print(text, flush=True))


def run(layers: Sequence[Layer], seed: int, ms: float, rounds: int, out: Path, say: Callable[[str], None]) -> None:
    """As ``command``, for given layers."""
    built = build("host", "auto", None, lambda text: print(text, file=sys.stderr))
    cpu = max(os.sched_getaffinity(0))
    rows = []
    for row in measure(layers, built, ms, rounds, cpu):
        rows.append(row)
        say(_line(row))
    doubtful = [row.layer for row in rows if row.reach < DOUBTFUL]
    first = min(row.reach for row in rows)
    if doubtful:
        say(f"{len(doubtful)} layers below {DOUBTFUL} are measured {_AGAIN} times more")
    rows = settled([rows, *(list(measure(doubtful, built, ms, rounds, cpu)) for _ in range(_AGAIN) if doubtful)])
    for row in rows:
        if row.layer in doubtful:
            say(f"{_line(row)}  again")
    few = few_channels()
    parts = {
        "random": [row for row in rows if row.layer not in few],
        "few_channels": [row for row in rows if row.layer in few],
    }
    found = {part: summary(some) for part, some in parts.items() if some}
    for part, each in found.items():
        say(
            f"{part.replace('_', ' ')}: auto reaches {each['geometric_mean']:.3f} of the best of all candidates "
            f"(geometric mean of {each['layers']} layers), {each['worst']:.3f} at worst; "
            f"within 2 % on {each['within_2_percent']:.0%}"
        )
    say(f"{first:.3f} at worst in the first try")
    out.parent.mkdir(parents=True, exist_ok=True)
    value = {"version": __version__, "build": built.build_id, "seed": seed, "ms": ms, "rounds": rounds, **found}
    value["rows"] = [
        {**vars(row), "layer": {"shape": shape(row.layer), **row.layer.model_dump(mode="json")}} for row in rows
    ]
    out.write_text(json.dumps(value, indent=1, default=str) + "\n")


if __name__ == "__main__":
    start(command)
