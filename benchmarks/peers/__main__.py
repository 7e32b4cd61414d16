"""Measures the peers and ours: ``make bench-peers``.

Writes build/peers/peers.json and .md; with ``--no-avx512`` build/peers/peers-no-avx512.json and .md. The
conductor's records, with the evidence of each sample, stay there, too: records-1.jsonl, of pairs records-1-pairs.jsonl.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Shown

from benchmarks.commandline import start
from benchmarks.local import cpus_for, program, say, target
from benchmarks.peers import environment, measuring
from benchmarks.peers.figures import known_core
from benchmarks.peers.findings import Findings
from benchmarks.peers.hidden_features import hide_avx512
from benchmarks.peers.measuring import PEERS, Programs, Setting
from benchmarks.peers.reading import take
from benchmarks.peers.summary import Comparison, close_calls, compare, comparisons, means, rows
from benchmarks.peers.tables import Table, tables, to_json, to_markdown
from harness.errors import InfrastructureError, UsageError
from harness.measure.clusters import Target
from harness.model.layer import Layer
from harness.model.suite import load_suite, select_layers
from harness.results.stream import Stream
from harness.toolchain.builder import Built

PANEL = str(Path(__file__).with_name("panel.yaml"))
NETWORKS = {"squeezenet1_0": "squeezenet_v1_0"}
_PRINTED_COLUMNS = 15  # wider ones, and all others too, are in the files
TITLE = "Convolutions beside other libraries"


def command(
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
    chosen, place = _peers(peers), target()
    cpus = [cpus_for(count, place) for count in _counts(threads)]
    python = environment.make(say)
    built = program()
    if no_avx512:
        chosen = [name for name in chosen if name != "onednn_avx2"]  # oneDNN is just that
        if not chosen:
            raise UsageError("--no-avx512 --peers onednn_avx2", "name onednn: it is held to AVX2 then")
        python = environment.make_without_avx512(python, say)
        findings.notes.append("all programs took this machine for one without AVX-512")
    if not findings.known_core:
        findings.notes.append("no peer is judged by known figures: they were seen on a Zen 4 with AVX-512")
    settings = [Setting(findings.layers, chosen, each, launches, rounds, sample_ms) for each in cpus]
    with tempfile.TemporaryDirectory(dir=environment.folder()) as scratch:
        exe = _without_avx512(built, Path(scratch)) if no_avx512 else built.path
        campaign = _Campaign(findings, exe, python, place, Path(scratch))
        campaign.log.unlink(missing_ok=True)
        for setting in settings:
            campaign.run(setting)
        answers = comparisons(findings)
        if pairs:
            first = next(iter(answers))
            for setting in settings:
                answers[first] = campaign.again(setting, answers[first])
    _write(findings, answers, built, [f"{launches} launches of {rounds} rounds, samples of {sample_ms:g} ms, hot"])


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
    return list(dict.fromkeys(names)) or list(PEERS)


def _counts(threads: str) -> list[int]:
    """The number of threads of each setting."""
    wanted = {"1": [1], "2": [2], "both": [1, 2]}.get(threads)
    if wanted is None:
        raise UsageError(f"--threads: {threads!r}", "give 1, 2 or both")
    return wanted


def _without_avx512(built: Built, folder: Path) -> Path:
    """A copy of convbench that takes this machine for one without AVX-512."""
    copy = folder / "convbench-no-avx512"
    try:
        hide_avx512(built.path, copy)
    except (OSError, ValueError) as error:
        raise InfrastructureError(f"without AVX-512: {error}", "see benchmarks/peers/hidden_features.py") from None
    return copy


@dataclass(frozen=True)
class _Campaign:
    """Measures settings one after the other into one Findings."""

    findings: Findings
    exe: Path
    python: Path
    place: Target
    folder: Path

    @property
    def log(self) -> Path:
        """What the workers print."""
        return environment.folder() / "workers.log"

    def _measured(self, setting: Setting, what: str = "") -> Stream:
        """The records of a setting, which stay in build/peers."""
        name = f"records-{setting.threads}{what}{'' if self.findings.avx512 else '-no-avx512'}.jsonl"
        keep = environment.folder() / name
        return measuring.measure(setting, self._programs(setting), self.place, self.log, keep)

    def run(self, setting: Setting) -> None:
        """Measures a setting of all layers."""
        layers = len(setting.layers)
        say(f"{setting.threads} thread(s): {layers} layers and the empty call, {setting.launches} launches")
        at_once = measuring.together(self.exe, setting.cpus)
        stream = self._measured(setting)
        at_once += measuring.together(self.exe, setting.cpus)
        take(self.findings, stream, setting.threads, measuring.middle(at_once))

    def _programs(self, setting: Setting) -> Programs:
        """The program of each peer that can be had; why not of the others is noted."""
        found = {}
        for peer in setting.peers:
            script = environment.worker(peer, self.python, setting.threads, self.findings.avx512, self.folder)
            try:
                self.findings.versions[peer] = environment.versions(script)
            except InfrastructureError as error:
                self.findings.skipped[setting.threads, "", peer] = error.message
                continue
            found[peer] = script
        return Programs(self.exe, measuring.kernels(self.exe), found)

    def again(self, setting: Setting, each: list[Comparison]) -> list[Comparison]:
        """The close calls, measured as pairs in launches of their own."""
        close = [answer for answer in close_calls(each) if answer.threads == setting.threads]
        if not close:
            return each
        only = frozenset((a.layer, variant) for a in close for variant in (a.ours, a.other))
        named = {layer for layer, _ in only}
        layers = [layer for layer in setting.layers if layer.name in named]
        peers = [peer for peer in setting.peers if any(variant == peer for _, variant in only)]
        launches = max(2 * setting.launches, 8)
        pair = dataclasses.replace(setting, layers=layers, peers=peers, launches=launches, only=only)
        second = Findings(self.findings.layers, avx512=self.findings.avx512, known_core=self.findings.known_core)
        say(f"{len(close)} close calls, measured again as pairs")
        stream = self._measured(pair, "-pairs")
        take(second, stream, setting.threads, None)
        self.findings.notes += [f"pairs, {note}" for note in second.notes]
        renewed = [self._renewed(second, answer) if answer in close else answer for answer in each]
        count = sum(answer.again is not None for answer in renewed if answer.threads == setting.threads)
        self.findings.notes.append(
            f"{len(close)} close calls at {setting.threads} thread(s), {count} of them measured again as pairs in "
            f"{launches} more launches"
        )
        return renewed

    def _renewed(self, second: Findings, answer: Comparison) -> Comparison:
        layer = next(layer for layer in self.findings.layers if layer.name == answer.layer)
        found = compare(second, answer.threads, layer, lambda *_: answer.ours, answer.other)
        return dataclasses.replace(answer, again=found.ratio if found else None)


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


def _write(findings: Findings, answers: dict[str, list[Comparison]], built: Built, how: Sequence[str]) -> None:
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
    out = environment.folder() / ("peers" if findings.avx512 else "peers-no-avx512")
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


if __name__ == "__main__":
    start(command)
