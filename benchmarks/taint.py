"""A background load in the middle of a run: what it taints, and what the ratios are with verdicts and without.

Two runs of `harness run` on this machine. Nothing else runs in the first; in the second other programs take the
measured CPU and press on memory in bursts, from a third of its jobs on to two thirds. The second run's records are then
judged twice: by the policy of the run, and by the same one with ``verdicts: false``. To be run while nothing else
computes.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.commandline import start
from benchmarks.load import Load, bursts
from benchmarks.local import cpus_for, say, shown, target
from harness.errors import InfrastructureError
from harness.exit_codes import ExitCode
from harness.model.policy import load_policy
from harness.results.results import Results, make_results
from harness.stats.interval import Interval

LAYERS = """
  - {name: conv2_3x3, h: 56, w: 56, kh: 3, kw: 3, pad: 1, cin: 64, cout: 64}
  - {name: conv3_3x3s2, h: 56, w: 56, kh: 3, kw: 3, pad: 1, stride: 2, cin: 64, cout: 128}
  - {name: conv4_3x3, h: 14, w: 14, kh: 3, kw: 3, pad: 1, cin: 256, cout: 256}
  - {name: conv5_3x3, h: 7, w: 7, kh: 3, kw: 3, pad: 1, cin: 512, cout: 512}
  - {name: conv3_proj_1x1s2, h: 56, w: 56, kh: 1, kw: 1, stride: 2, cin: 64, cout: 128}
"""
_LOOK_S = 0.05


@dataclass(frozen=True)
class Estimate:
    """im2col's time over indirect's on a layer; None where it was not judged."""

    layer: str
    ratio: Interval | None


def command(
    launches: Annotated[int, typer.Option(min=6, help="of each run")] = 9,
    rounds: Annotated[int, typer.Option(min=2, help="of each launch")] = 10,
    keep: Annotated[Path | None, typer.Option(help="a folder, absent or empty, for both run directories")] = None,
) -> None:
    """Prints which samples the load touched and what became of them, and each layer's ratio three times."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, launches, rounds)
        say("a quiet run")
        quiet = _run(folder, "quiet")
        say("a run with a load in its middle third")
        jobs = launches * LAYERS.count("name:")
        with _loaded(folder, jobs):
            loaded = _run(folder, "loaded")
        policy = load_policy(str(folder / "policy.yaml"))
        judged, every = make_results(loaded), make_results(loaded, policy.model_copy(update={"verdicts": False}))
        print(touched_text(judged, folder))
        print(table(estimates(make_results(quiet)), estimates(judged), estimates(every)))


def _write(folder: Path, launches: int, rounds: int) -> None:
    keys = {"launches": launches, "rounds": rounds, "min_ms": 10, "block_budget_s": 60, "cache": "[hot]"}
    keys |= {"gate_cap_s": 1, "again_share": 0.5}
    (folder / "policy.yaml").write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
    (folder / "suite.yaml").write_text(f"suite: taint\npolicy: ./policy.yaml\nlayers:{LAYERS}")


def _run(folder: Path, name: str) -> Path:
    """A run directory of the fastest cluster. Raises InfrastructureError where the run fails."""
    out = folder / name
    argv = [sys.executable, "-m", "harness.cli", "run", str(folder / "suite.yaml"), "--device", "local"]
    argv += ["--clusters", target().cluster.label, "--algorithms", "im2col,indirect", "--out", str(out), "--seed", "7"]
    code = subprocess.run(argv, stdout=subprocess.DEVNULL, check=False).returncode
    if code not in (ExitCode.DONE, ExitCode.TOO_LITTLE_DATA):
        raise InfrastructureError(f"harness run ended with {code}", "what it said stands above")
    return out


@contextmanager
def _loaded(folder: Path, jobs: int) -> Iterator[None]:
    """Within the block: a load from a third of the jobs on record to two thirds."""
    records, ended = folder / "loaded/devices/local/records.jsonl", threading.Event()
    cpu, *_ = cpus_for(1, target())
    others = sorted(os.sched_getaffinity(0) - {cpu})

    def watch() -> None:
        while not ended.wait(_LOOK_S) and _done(records) < jobs // 3:
            pass
        with Load(cpu, others, folder):
            while not ended.wait(_LOOK_S) and _done(records) < 2 * jobs // 3:
                pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _done(records: Path) -> int:
    return records.read_bytes().count(b'"type":"job"') if records.exists() else 0


def estimates(results: Results) -> list[Estimate]:
    """Of each layer, indirect as published over im2col."""
    return [
        Estimate(row.key.layer, row.ratio("im2col"))
        for row in results.rows
        if row.algorithm == "indirect" and not row.is_best
    ]


def touched(begin: NDArray[np.int64], end: NDArray[np.int64], loads: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Which of the stretches a burst overlaps; the bursts do not overlap each other."""
    ends = np.array(sorted(each[1] for each in loads), dtype=np.int64)
    begins = np.array([*sorted(each[0] for each in loads), np.iinfo(np.int64).max], dtype=np.int64)
    return np.asarray(begins[np.searchsorted(ends, begin)] < end, dtype=np.bool_)


def touched_text(results: Results, folder: Path) -> str:
    """How many samples the load touched, and how many of those, and of the others, are tainted."""
    (verdicts,) = results.verdicts.clusters.values()
    samples = [stream.samples for stream in verdicts.streams]
    begin = np.array([t for each in samples for t in each.column("t_ns")], dtype=np.int64)
    length = [ns for each in samples for ns in each.column("window_ns")]
    hit = touched(begin, begin + np.array(length).astype(np.int64), bursts(folder / "cpu.bursts"))
    tainted = np.concatenate(verdicts.masks) != 0
    reasons = ", ".join(f"{reason.name} {count}" for reason, count in verdicts.reasons.items()) or "none"
    told = [
        f"{len(hit)} samples, of which bursts on their CPU touched {int(hit.sum())}; tainted: "
        f"{_part(tainted, hit)} of those, {_part(tainted, ~hit)} of the others",
        f"reasons: {reasons}",
    ]
    return "\n".join(told)


def _part(tainted: NDArray[np.bool_], among: NDArray[np.bool_]) -> str:
    count, total = int((tainted & among).sum()), int(among.sum())
    return f"{count} of {total}" + (f" ({count / total:.0%})" if total else "")


def table(quiet: Sequence[Estimate], judged: Sequence[Estimate], every: Sequence[Estimate]) -> str:
    """As Markdown: each layer's ratio and what it is beside the quiet one; below, how many lie within its intervals."""
    lines = ["| layer | quiet | load, verdicts | load, every sample |", "|---|---|---|---|"]
    inside = {"with": 0, "without": 0}
    wide: dict[str, list[float]] = {how: [] for how in inside}
    for still, *loaded in zip(quiet, judged, every, strict=True):
        cells = [shown(still.ratio, 3) if still.ratio else "not judged"]
        for how, estimate in zip(inside, loaded, strict=True):
            lies = is_inside(estimate.ratio, still.ratio)
            inside[how] += lies
            wide[how].append(_relative_width(estimate.ratio, still.ratio))
            cells.append((shown(estimate.ratio, 3) if estimate.ratio else "not judged") + ("" if lies else " outside"))
        lines.append(f"| {still.layer} | {' | '.join(cells)} |")
    told = [
        f"{how} verdicts {inside[how]} of {len(quiet)} ratios lie within the quiet run's intervals; their own are "
        + (f"{np.nanmedian(wide[how]):.1f} times as wide (median)" if np.isfinite(wide[how]).any() else "not known")
        for how in inside
    ]
    return "\n".join([*lines, "", *told])


def is_inside(ratio: Interval | None, quiet: Interval | None) -> bool:
    """Whether an estimate lies within the quiet run's interval."""
    if ratio is None or quiet is None or quiet.low is None or quiet.high is None:
        return False
    return quiet.low <= ratio.value <= quiet.high


def _relative_width(ratio: Interval | None, quiet: Interval | None) -> float:
    widths = [
        math.log(each.high / each.low) if each and each.high and each.low else math.nan for each in (ratio, quiet)
    ]
    return widths[0] / widths[1]


if __name__ == "__main__":
    start(command)
