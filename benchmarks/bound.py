"""What bounds `auto` beside the peers of a table: ``python -m benchmarks.bound build/peers/peers.json``.

Two ceilings, in per cent of the FMA peak by nominal FLOP: every multiplication at the peak and none by padding; and the
same with the stores of the output, each of which takes the place of as many multiplications as are measured here.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.commandline import start
from benchmarks.compile import compile_with_library
from harness.errors import InfrastructureError, UsageError
from harness.model.layer import Layer
from harness.toolchain.builder import build

_SOURCE = Path(__file__).with_name("bound.c")


def inside(size: int, out: int, kernel: int, stride: int, dilation: int, before: int) -> float:
    """The share of an axis' taps that lie in the input, over all outputs."""
    taps = [o * stride + t * dilation - before for o in range(out) for t in range(kernel)]
    return sum(0 <= at < size for at in taps) / len(taps)


def ceiling(layer: Layer, store: float) -> float:
    """Per cent of the FMA peak by nominal FLOP, where each store of a sum costs ``store`` of its multiplications."""
    down = inside(layer.h, layer.out_h, layer.kh, layer.stride[0], layer.dilation[0], layer.pad[0])
    across = inside(layer.w, layer.out_w, layer.kw, layer.stride[1], layer.dilation[1], layer.pad[3])
    products = layer.kh * layer.kw * layer.cin / layer.groups
    return 100 / (down * across + store / products)


@dataclass(frozen=True)
class Row:
    """A layer on one thread. ``ratio``: best peer's time over auto's; all others in per cent of the FMA peak."""

    layer: Layer
    auto: float
    ratio: float
    ceiling: float
    with_stores: float


def rows_of(peers: Mapping[str, Any], stores: Mapping[str, float]) -> list[Row]:
    """Of the layers with a known peak and a peer that is not misconfigured, on one thread.

    Raises KeyError, TypeError or ValueError where ``peers`` is no such table.
    """
    layers = {each["name"]: Layer.model_validate(each) for each in peers["layers"]}
    ours = {row["layer"]: row for row in peers["rows"] if row["threads"] == 1 and row["variant"] == "ours auto"}
    rows = []
    for answer in peers["comparisons"]["ours / best peer"]:
        if answer["threads"] != 1 or answer["misconfigured"] or answer["ours"] != "ours auto":
            continue
        layer, row = layers[answer["layer"]], ours[answer["layer"]]
        if row["percent"] is None:
            continue  # no reading of the peak was believed
        store = stores.get("avx512" if "avx512" in row["mode"] else "avx2", 0)
        ratio = float((answer["again"] or answer["ratio"])["value"])
        rows.append(Row(layer, row["percent"], ratio, ceiling(layer, 0), ceiling(layer, store)))
    return rows


def measured_stores() -> dict[str, float]:
    """By instruction set of this CPU: the multiplications whose place the store of a vector takes.

    Raises InfrastructureError.
    """
    built = build("host", "auto", None, lambda text: print(text, file=sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        program = compile_with_library(_SOURCE, built, Path(folder))
        done = subprocess.run([program], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InfrastructureError(
            f"{_SOURCE.name} ended with {done.returncode}: {done.stderr.strip()[:400]}", "run it again"
        )
    return {each["isa"]: each["store"] for each in map(json.loads, done.stdout.splitlines())}


def _print(rows: list[Row], stores: Mapping[str, float]) -> None:
    for isa, store in stores.items():
        print(f"{isa}: the store of a vector takes the place of {store:.2f} multiplications at least")
    print(f"{'layer':<24} {'auto':>7} {'ceiling':>8} {'with stores':>12} {'of that':>8}  auto / best peer")
    for row in rows:
        print(
            f"{row.layer.name:<24} {row.auto:>7.1f} {row.ceiling:>8.1f} {row.with_stores:>12.1f} "
            f"{100 * row.auto / row.with_stores:>7.1f}%  {row.ratio:.3f}"
        )
    mean = statistics.geometric_mean([row.ratio for row in rows])
    bare = statistics.geometric_mean([row.ratio * row.ceiling / row.auto for row in rows])
    full = statistics.geometric_mean([row.ratio * row.with_stores / row.auto for row in rows])
    print(f"auto / best peer: {mean:.3f}; at the ceiling it would be {bare:.3f}, with stores {full:.3f}")


def command(peers: Annotated[Path, typer.Argument(help="What bench-peers wrote as JSON.")]) -> None:
    """What bounds `auto` beside the peers of a table."""
    try:
        table = json.loads(peers.read_bytes())
        rows = rows_of(table, {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{peers}: {error}", "name the JSON that `make bench-peers` wrote") from error
    if not rows:
        raise UsageError(f"{peers}: has no layer with `auto` and a peer on one thread", "run `make bench-peers` first")
    stores = measured_stores()
    rows = rows_of(table, stores)
    _print(rows, stores)


if __name__ == "__main__":
    start(command)
