"""From `harness run --device local` to its first sample, on a warm cache: several runs, each ended with it.

The time is that from before the command is started to t_ns of the first sample in records.jsonl, both of the clock
CLOCK_MONOTONIC. A first run of each checkout, which builds and compiles what is missing, does not count.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from benchmarks.commandline import start
from harness.devices.base import LOCAL
from harness.errors import InfrastructureError
from harness.exit_codes import ExitCode
from harness.paths import data_root
from harness.store.journal import read_lines

MOST_S = 1.5  # in the middle of the runs
_DEADLINE_S = 300.0  # of a run that has to build first


@dataclass(frozen=True)
class Way:
    """Seconds from the command's start: until convbench was started, and until its first sample began."""

    program_s: float
    sample_s: float


def way(run: Path, began_utc: float, began_ns: int) -> Way | None:
    """Of the run in that folder, started then by both clocks; None where it has no whole sample yet."""
    device = run / "devices" / LOCAL
    try:
        lines = (device / "records.jsonl").read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return None
    first = next((line for line in lines if b'"type":"sample"' in line and line.endswith(b"\n")), None)
    if first is None:
        return None
    spawned = next(event["utc"] for event in read_lines(device / "events.jsonl") if event["event"] == "spawned")
    started = datetime.fromisoformat(str(spawned)).timestamp()
    return Way(started - began_utc, (json.loads(first)["t_ns"] - began_ns) / 1e9)


def measured(checkout: Path, options: Sequence[str]) -> Way:
    """One run of a checkout's tool. Raises InfrastructureError where it has no sample."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        argv = [sys.executable, "-m", "harness.cli", "run", "--device", LOCAL, "--out", str(run), "--quiet", *options]
        began_utc, began_ns = time.time(), time.monotonic_ns()
        with subprocess.Popen(
            argv, cwd=checkout, env=kept | {"PYTHONPATH": str(checkout)}, stdout=subprocess.DEVNULL
        ) as process:
            try:
                return _awaited(process, run, began_utc, began_ns)
            finally:
                process.send_signal(signal.SIGINT)


def _awaited(process: subprocess.Popen[bytes], run: Path, began_utc: float, began_ns: int) -> Way:
    while time.monotonic_ns() - began_ns < _DEADLINE_S * 1e9:
        ended = process.poll() is not None
        found = way(run, began_utc, began_ns)
        if found is not None:
            return found
        if ended:
            break
        time.sleep(0.05)  # it is to have the processors for itself
    raise InfrastructureError(
        f"{run}: no sample in {_DEADLINE_S:.0f} s, or before the end", "what it said stands above"
    )


def table(found: Sequence[Way]) -> list[str]:
    """Least, middle and most of each time."""
    rows = (("convbench", [each.program_s for each in found]), ("first sample", [each.sample_s for each in found]))
    return [f"  {name:<13}" + "".join(f"{f(values):>7.2f}" for f in (min, median, max)) for name, values in rows]


def command(
    runs: Annotated[int, typer.Option("--runs", min=1, help="Of each checkout.")] = 5,
    suite: Annotated[str, typer.Option("--suite", metavar="NAME|FILE")] = "quick",
    beside: Annotated[
        list[Path] | None, typer.Option("--beside", metavar="DIR", help="Another checkout, in turn with this. Repeats.")
    ] = None,
) -> None:
    """Seconds from `harness run --device local` to the first sample: least, middle, most.

    Exit 1 where the middle is over 1.5.
    """
    checkouts = [data_root(), *(each.resolve() for each in beside or ())]
    found: dict[Path, list[Way]] = {checkout: [] for checkout in checkouts}
    for number in range(runs + 1):
        for checkout in checkouts:
            each = measured(checkout, [suite])
            if number:
                found[checkout].append(each)
    for checkout, ways in found.items():
        print(f"{checkout}, {runs} runs of {suite}, seconds: least, middle, most")
        print("\n".join(table(ways)))
    middle = median(each.sample_s for each in found[checkouts[0]])
    raise typer.Exit(ExitCode.WRONG_RESULT if middle > MOST_S else ExitCode.DONE)


if __name__ == "__main__":
    start(command)
