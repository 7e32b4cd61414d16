"""What the statistics are worth: ``python -m benchmarks.statistics``, or ``make bench-statistics``.

Simulated devices with known true ratios, every method on the same streams; with ``--real FOLDER`` blocks on this
machine, kept there and gone on with. ``--write``: into docs/statistics.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commandline import start
from benchmarks.local import say
from benchmarks.statistics import silicon, tables
from benchmarks.statistics.blocks import Campaign
from benchmarks.statistics.devices import KINDS, Kind
from benchmarks.statistics.noise import FILE, Noise, record
from benchmarks.statistics.simulation import KindScores, simulate
from harness.errors import UsageError
from harness.model.policy import Policy, load_policy

PAGE = Path(__file__).resolve().parents[2] / "docs" / "statistics.md"
LEAST_STREAMS = 100


def command(
    streams: Annotated[int, typer.Option(min=LEAST_STREAMS, help="of each kind of device and true ratio")] = 2000,
    kinds: Annotated[str, typer.Option(help=f"some of: {', '.join(kind.name for kind in KINDS)}")] = "",
    noise: Annotated[Path, typer.Option(help="recorded noise")] = FILE,
    processes: Annotated[int, typer.Option(min=1, help="that simulate")] = 2,
    real: Annotated[Path | None, typer.Option(help="measure blocks here; the folder keeps the records")] = None,
    write: Annotated[bool, typer.Option("--write", help=f"into docs/{PAGE.name}")] = False,
    make_noise: Annotated[bool, typer.Option("--record", help="record noise anew, into --noise")] = False,
    most_running: Annotated[int, typer.Option(min=0, help="with --record: a launch waits while more run")] = 1,
) -> None:
    """Prints the tables."""
    if make_noise:
        made = record(most_running)
        made.save(noise)
        say(f"{noise}: {made.log_ns.size} samples, {made.about['beside']} processes beside it")
        return
    if real is not None:
        _show("real", _measured(real), write)
        return
    chosen = _kinds(kinds)
    _show("simulation", _simulated(Noise.load(noise), chosen, streams, processes), write)


def _kinds(asked: str) -> Sequence[Kind]:
    known = {kind.name: kind for kind in KINDS}
    names = asked.split(",") if asked else list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"--kinds: no kind {unknown[0]!r}", f"there are: {', '.join(known)}")
    return [known[name] for name in names]


def _simulated(noise: Noise, kinds: Sequence[Kind], streams: int, processes: int) -> list[str]:
    policy, began = load_policy("default"), time.monotonic()
    found = simulate(noise, kinds, streams, policy, processes)
    say(f"{len(kinds)} kinds in {time.monotonic() - began:.0f} s")
    return told(found, noise, streams, policy)


def told(found: Sequence[KindScores], noise: Noise, streams: int, policy: Policy) -> list[str]:
    """What was simulated and how, and the tables."""
    about, spread = noise.about, noise.per_sample
    return [
        f"`python -m benchmarks.statistics --streams {streams}`: {streams} streams of each kind and true ratio, policy"
        f" `{policy.name}` ({policy.launches} launches of {policy.rounds} rounds). Noise: {about['recorded']}"
        f" ({about['program']}, {about['scheduler']} priority, beside it {about['beside']} processes in the mean); the"
        f" standard deviation of a sample is {spread.min():.1%} to {spread.max():.1%}, by stream.".replace("%", " %"),
        "",
        *tables.simulation(found),
    ]


def _measured(folder: Path) -> list[str]:
    policy = load_policy("default")
    campaign = Campaign(folder, policy)
    parts = campaign.run()
    blocks = [b for each in parts if silicon.are_compared(each) for b in silicon.read(each, policy, campaign.l2_bytes)]
    placed = [
        b for each in parts if not silicon.are_compared(each) for b in silicon.read(each, policy, campaign.l2_bytes)
    ]
    times = campaign.times
    took, loads = sum(each["seconds"] for each in times.values()), [each["load"] for each in times.values()]
    return [
        f"`python -m benchmarks.statistics --real FOLDER`: {len(blocks)} blocks, policy `{policy.name}`"
        f" ({policy.launches} launches of {policy.rounds} rounds, windows of {policy.min_ms:g} ms and more, `hot`);"
        f" {took / 60:.0f} minutes, load of the machine {min(loads):.1f} to {max(loads):.1f} before its parts.",
        "",
        *tables.silicon(blocks, policy),
        "",
        *tables.sharing(silicon.sharing(placed, policy), len(placed)),
    ]


def _show(name: str, text: Sequence[str], write: bool) -> None:
    print("\n".join(text))
    if write:
        PAGE.write_text(tables.replaced(PAGE.read_text(), name, text))
        say(f"written into {PAGE}")


if __name__ == "__main__":
    start(command)
