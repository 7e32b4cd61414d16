"""Measures the peers and ours by processes that time themselves: what ``make bench-peers`` did before.

Writes build/peers/before.json and .md.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Shown

from benchmarks.peers import environment
from benchmarks.peers.campaign import PEERS, Campaign, Setting
from benchmarks.peers.figures import known_core
from benchmarks.peers.findings import Findings
from benchmarks.peers.hidden_features import hide_avx512
from benchmarks.peers.processes import compile_ours
from benchmarks.peers.summary import Comparison, close_calls, compare, comparisons, means, rows
from benchmarks.peers.tables import Table, tables, to_json, to_markdown
from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.model.layer import Layer
from harness.model.suite import load_suite, select_layers
from harness.toolchain.builder import Built, build

PANEL = str(Path(__file__).with_name("panel.yaml"))
NETWORKS = {"squeezenet1_0": "squeezenet_v1_0"}
_PRINTED_COLUMNS = 15  # wider ones, and all others too, are in the files
TITLE = "Convolutions beside other libraries"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _layers(network: str, glob: str) -> list[Layer]:
    suite = load_suite(NETWORKS.get(network, network) if network else PANEL)
    distinct = {layer.shape_key: layer for layer in reversed(suite.layers)}  # the first of each shape
    kept = [layer for layer in suite.layers if distinct[layer.shape_key] is layer]
    return list(select_layers(kept, glob))


def _peers(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in PEERS:
            raise UsageError(f"--peers: no peer {name!r}", f"there are {', '.join(PEERS)}")
    if text and not names:
        raise UsageError(f"--peers: {text!r} names none", f"there are {', '.join(PEERS)}")
    return names or list(PEERS)


def _cpus(threads: str) -> list[list[int]]:
    """The CPUs of each setting."""
    allowed = sorted(os.sched_getaffinity(0))
    wanted = {"1": [1], "2": [2], "both": [1, 2]}.get(threads)
    if wanted is None:
        raise UsageError(f"--threads: {threads!r}", "give 1, 2 or both")
    if max(wanted) > len(allowed):
        raise UsageError(f"--threads {threads}: only {len(allowed)} CPU is allowed", "give --threads 1")
    return [allowed[:count] for count in wanted]


def _again(
    campaign: Campaign, setting: Setting, findings: Findings, built: Built, each: list[Comparison]
) -> list[Comparison]:
    """The close calls, measured as pairs in launches of their own."""
    close = [answer for answer in close_calls(each) if answer.threads == setting.threads]
    if not close:
        return each
    only = frozenset((a.layer, variant) for a in close for variant in (a.ours, a.other))
    second = Findings(findings.layers, avx512=findings.avx512, known_core=findings.known_core)
    launches = max(2 * setting.launches, 8)
    pair = dataclasses.replace(setting, launches=launches, first_launch=1000, only=only)
    _say(f"{len(close)} close calls, measured again as pairs")
    Campaign(second, built, campaign.program, campaign.python, campaign.folder).run(pair, _say)
    by_name = {layer.name: layer for layer in findings.layers}
    found = []
    for answer in each:
        if answer not in close:
            found.append(answer)
            continue
        name, other = answer.ours, answer.other
        renewed = compare(second, answer.threads, by_name[answer.layer], lambda *_, name=name: name, other)
        found.append(dataclasses.replace(answer, again=renewed.ratio if renewed else None))
    renewed_count = sum(answer.again is not None for answer in found if answer.threads == setting.threads)
    findings.notes.append(
        f"{len(close)} close calls at {setting.threads} thread(s), {renewed_count} of them measured again as pairs in "
        f"{launches} more launches"
    )
    return found


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _print(table: Table) -> None:
    console = Console(width=None if sys.stdout.isatty() else 220)
    shown = Shown(title=table.title, title_justify="left")
    for column, name in enumerate(table.head):
        shown.add_column(name, justify="right" if column else "left")
    for number, row in enumerate(table.rows):
        shown.add_row(*(f"[bold]{t}[/bold]" if (number, c) in table.marks else t for c, t in enumerate(row)))
    console.print(shown)


def _command(
    network: Annotated[str, typer.Option(help="a suite, e.g. resnet50, squeezenet1_0, mobilenet_v1, vgg16_d")] = "",
    layers: Annotated[str, typer.Option(help="names of layers, a glob")] = "*",
    peers: Annotated[str, typer.Option(help=f"some of {', '.join(PEERS)}")] = "",
    threads: Annotated[str, typer.Option(help="1, 2 or both")] = "both",
    launches: Annotated[int, typer.Option(min=1, help="new processes of every peer; intervals need 4")] = 8,
    rounds: Annotated[int, typer.Option(min=1, help="samples of a variant in a launch")] = 4,
    sample_ms: Annotated[float, typer.Option(min=0.1, help="least time of calls in a sample")] = 20.0,
    no_avx512: Annotated[bool, typer.Option("--no-avx512", help="all as on a machine with AVX2 at most")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="4 launches of 2 rounds of 8 ms, one thread")] = False,
    pairs: Annotated[bool, typer.Option(help="measure close calls again as pairs")] = True,
) -> None:
    """XNNPACK, onnxruntime, oneDNN, torch's im2col, ncnn and this library in turn, layer by layer."""
    if quick:
        launches, rounds, sample_ms, threads, pairs = 4, 2, 8.0, "1", False
    findings = Findings(_layers(network, layers), avx512=not no_avx512, known_core=known_core() and not no_avx512)
    chosen, cpus = _peers(peers), _cpus(threads)
    python = environment.make(_say)
    built = build("host", "auto", None, _say)
    folder = environment.folder()
    program = compile_ours(built, folder)
    if no_avx512:
        chosen = [name for name in chosen if name != "onednn_avx2"]  # oneDNN is just that
        if not chosen:
            raise UsageError("--no-avx512 --peers onednn_avx2", "name onednn: it is held to AVX2 then")
        python = environment.make_without_avx512(python, _say)
        built, program = _without_avx512(built, program, folder)
        findings.notes.append("all programs took this machine for one without AVX-512")
    if not findings.known_core:
        findings.notes.append("no peer is judged by known figures: they were seen on a Zen 4 with AVX-512")
    campaign = Campaign(findings, built, program, python, folder)
    settings = [Setting(findings.layers, chosen, each, launches, rounds, sample_ms * 1e6) for each in cpus]
    campaign.log.unlink(missing_ok=True)
    for setting in settings:
        campaign.run(setting, _say)
    answers = comparisons(findings)
    if pairs:
        first = next(iter(answers))
        for setting in settings:
            answers[first] = _again(campaign, setting, findings, built, answers[first])
    _write(findings, answers, built, [f"{launches} launches of {rounds} rounds, samples of {sample_ms:g} ms"])


def _without_avx512(built: Built, program: Path, folder: Path) -> tuple[Built, Path]:
    """Copies of ours that take this machine for one without AVX-512."""
    probe, ours = folder / "convbench-no-avx512", folder / f"{program.name}-no-avx512"
    try:
        hide_avx512(built.path, probe)
        hide_avx512(program, ours)
    except (OSError, ValueError) as error:
        raise InfrastructureError(f"without AVX-512: {error}", "see benchmarks/peers/hidden_features.py") from None
    return dataclasses.replace(built, path=probe), ours


def _write(findings: Findings, answers: dict[str, list[Comparison]], built: Built, how: list[str]) -> None:
    every_row, every_mean = rows(findings), means(answers)
    peaks = "; ".join(findings.peaks_note(threads) for threads in findings.peaks)
    notes = [
        f"{_cpu_name()}; convbench build {built.build_id[:12]}, {built.toolchain}",
        f"FMA peak, GFLOP/s, median: {peaks}",
        *how,
        f"load average at the end {os.getloadavg()[1]:.1f}: over 1 means that others used the CPUs; repeat it alone",
        "ours: `auto` where the library offers it, else the fastest of our variants on these samples (biased upwards)",
        *findings.notes,
    ]
    every = tables(findings, every_row, answers, every_mean)
    out = environment.folder() / ("before" if findings.avx512 else "before-no-avx512")
    written = {
        out.with_suffix(".json"): to_json(findings, every_row, answers, every_mean, notes),
        out.with_suffix(".md"): to_markdown(TITLE, notes, every),
    }
    for path, text in written.items():
        path.write_text(text)
    for table in every:
        if len(table.head) <= _PRINTED_COLUMNS:
            _print(table)
    for note in notes:
        print(note)
    print(f"written: {', '.join(map(str, written))}")


def main() -> None:
    """Runs the command; a HarnessError is one message and its exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(_command)
    try:
        app()
    except HarnessError as error:
        _say(f"error: {error}")
        sys.exit(int(error.exit_code))


if __name__ == "__main__":
    main()
