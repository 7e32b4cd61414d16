"""Background load in bursts, as other programs of a phone make it: on a CPU, or on the memory that all share.

Each burst is written down by the clock that samples have (CLOCK_MONOTONIC), so that it is known which ones it touched.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal

import typer

from benchmarks.commandline import start

Kind = Literal["cpu", "memory"]
BURST_S, PAUSE_S = (0.005, 0.04), (0.02, 0.12)  # the least and the most
_BYTES = 96 << 20  # beyond any last-level cache here


class Load:
    """Bursts from entering to leaving: ``cpu`` on that CPU, ``memory`` on those others."""

    def __init__(self, cpu: int, others: Sequence[int], folder: Path) -> None:
        self._wanted: list[tuple[Kind, list[int], Path]] = [("cpu", [cpu], folder / "cpu.bursts")]
        if others:
            self._wanted.append(("memory", list(others), folder / "memory.bursts"))
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Load:
        for kind, cpus, file in self._wanted:
            argv = [sys.executable, "-m", "benchmarks.load", kind, ",".join(map(str, cpus)), str(file)]
            self._running.append(subprocess.Popen(argv))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.kill()
            process.wait()


def bursts(file: Path) -> list[tuple[int, int]]:
    """Begin and end of each burst on record, in ns."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(begin), int(end)) for begin, end in (line.split() for line in lines if line.count(" ") == 1)]


def command(
    kind: Annotated[str, typer.Argument(help="cpu or memory")],
    cpus: Annotated[str, typer.Argument(help="where, as in 0,2")],
    file: Annotated[Path, typer.Argument(help="for the bursts' times")],
) -> None:
    """Bursts until it is killed."""
    os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    dice = random.Random(1)  # noqa: S311  no secret
    block, copy = bytes(_BYTES if kind == "memory" else 1), bytearray(_BYTES if kind == "memory" else 1)
    with file.open("a", buffering=1) as out:
        while True:
            begin = time.monotonic_ns()
            end = begin + int(dice.uniform(*BURST_S) * 1e9)
            while time.monotonic_ns() < end:
                if kind == "memory":
                    copy[:] = block
            out.write(f"{begin} {time.monotonic_ns()}\n")
            time.sleep(dice.uniform(*PAUSE_S))


if __name__ == "__main__":
    start(command)
