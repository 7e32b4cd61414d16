"""Measures the peers and ours in turn: launches of new processes, layers, shuffled rounds, the FMA peak in between."""

from __future__ import annotations

import math
import os
import random
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.peers import reference
from benchmarks.peers.findings import ALONE, OURS, Findings, Sample
from benchmarks.peers.processes import Lost, Ours, Peer, peak_gflops
from harness.model.layer import Layer
from harness.toolchain.builder import Built

PEERS = ("xnnpack", "onnxruntime", "onednn", "onednn_avx2", "torch_im2col", "ncnn", "ncnn_winograd")
# Schedules of ours by algorithm, for each kernel K; what the library refuses is listed as not measured.
SCHEDULES = {
    "indirect": ("K", "K+regions+ahead", "K+taps+ahead"),
    "im2col": ("K", "K+block4", "K+block20"),
    "direct": ("K", "K+block4+ahead"),
}
ISAS = ("avx512", "avx2", "neon")  # of our kernels; scalar ones are no match for anybody
TINY = Layer(name="empty", h=1, w=1, kh=1, kw=1, cin=1, cout=1)
_EMPTY_SAMPLES = 5
_SEED = 20190704
T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """What to measure and how often. ``only``: (layer, variant) pairs that count; None: all."""

    layers: Sequence[Layer]
    peers: Sequence[str]
    cpus: Sequence[int]  # as many as threads
    launches: int
    rounds: int
    sample_ns: float
    first_launch: int = 0
    only: frozenset[tuple[str, str]] | None = None

    @property
    def threads(self) -> int:
        return len(self.cpus)

    def wants(self, layer: str, variant: str) -> bool:
        """Whether the variant is to be measured on the layer."""
        return self.only is None or (layer, variant) in self.only


@dataclass
class _Entry:
    """Something that can be sampled on the current layer."""

    variant: str
    sample: Callable[[float], float]


class Campaign:
    """Runs settings one after the other into one Findings."""

    def __init__(self, findings: Findings, built: Built, ours: Path, python: Path, folder: Path) -> None:
        self.findings, self.built, self.program, self.python, self.folder = findings, built, ours, python, folder
        self.log = folder / "workers.log"
        self.data = folder / "data"

    def run(self, setting: Setting, say: Callable[[str], None]) -> None:
        """Measures; ``say`` gets a line for each launch."""
        everywhere = os.sched_getaffinity(0)
        away = everywhere - set(setting.cpus)
        os.sched_setaffinity(0, away or everywhere)  # not on the measured core, where there is another
        try:
            for launch in range(setting.first_launch, setting.first_launch + setting.launches):
                say(f"{setting.threads} thread(s), launch {launch - setting.first_launch + 1} of {setting.launches}")
                self._launch(setting, launch)
        finally:
            os.sched_setaffinity(0, everywhere)
            shutil.rmtree(self.data, ignore_errors=True)

    def _launch(self, setting: Setting, launch: int) -> None:
        order = random.Random(f"{_SEED}-{setting.threads}-{launch}")  # noqa: S311
        peers = self._start(setting, order)
        try:
            ours = Ours(self.program, setting.cpus, self.log)
            try:
                variants = self._variants(ours, setting)
                layers = [layer for layer in setting.layers if setting.only is None or self._any(setting, layer)]
                for layer in _shuffled(layers, order):
                    self._layer(setting, launch, layer, peers, ours, variants, order)
            finally:
                ours.end()
        finally:
            for peer in peers:
                peer.end()

    @staticmethod
    def _any(setting: Setting, layer: Layer) -> bool:
        return any(name == layer.name for name, _ in setting.only or ())

    def _start(self, setting: Setting, order: random.Random) -> list[Peer]:
        """Each peer that comes up; what an empty call costs in it is noted."""
        started: list[Peer] = []
        folder = self._inputs(TINY)
        for name in _shuffled(setting.peers, order):
            if setting.only is not None and not any(variant == name for _, variant in setting.only):
                continue
            if (setting.threads, "", name) in self.findings.skipped:
                continue
            try:
                peer = Peer(name, self.python, setting.cpus, self.log, self.findings.avx512)
            except (Lost, ValueError) as reason:
                self.findings.skipped[setting.threads, "", name] = str(reason)
                continue
            self.findings.versions[name] = peer.versions
            try:
                peer.prepare(TINY, folder, 1e5)
                empty = min(peer.sample(3e5) for _ in range(_EMPTY_SAMPLES))
            except Lost as reason:
                self.findings.skipped[setting.threads, "", name] = f"empty call: {reason}"
                peer.end()
                continue
            self.findings.empty_ns.setdefault((setting.threads, name), []).append(empty)
            started.append(peer)
        return started

    def _variants(self, ours: Ours, setting: Setting) -> list[tuple[str, str]]:
        """(algorithm, kernel) of ours; "-" leaves the kernel to the library, "one thread" also leaves the pool out."""
        if setting.threads > 1:
            ours.words(f"threads {' '.join(map(str, setting.cpus))}")
        kernels = [pair.split(",") for pair in ours.words("kernels")]
        names = [name for name, isa in kernels if isa in ISAS] or [kernels[0][0]]
        found = [("auto", "-"), ("im2col", "best")]
        for algorithm, schedules in SCHEDULES.items():
            found += [(algorithm, schedule.replace("K", kernel)) for kernel in names for schedule in schedules]
        if setting.threads > 1:
            found += [(name, "one thread") for name, kernel in found if (name, kernel) == ("auto", "-")]
        return [pair for pair in found if ours.words(f"offers {pair[0]}") == ["1"]]

    def _inputs(self, layer: Layer) -> Path:
        """A folder with the layer's inputs; kept from launch to launch."""
        folder = self.data / layer.name
        if not folder.exists():
            folder.mkdir(parents=True)
            exact = reference.convolve(layer, *reference.write_inputs(layer, folder, _SEED))
            np.savez(folder / "reference.npz", exact=exact.exact, bound=exact.bound)
        return folder

    def _layer(
        self,
        setting: Setting,
        launch: int,
        layer: Layer,
        peers: Sequence[Peer],
        ours: Ours,
        variants: Sequence[tuple[str, str]],
        order: random.Random,
    ) -> None:
        folder = self._inputs(layer)
        with np.load(folder / "reference.npz") as kept:
            exact = reference.Reference(kept["exact"], kept["bound"])
        entries = list(self._peers_on(setting, layer, peers, folder, exact))
        entries += self._ours_on(setting, layer, ours, variants, folder, exact)
        for number in range(setting.rounds):
            self._peak(setting, layer)
            for entry in _shuffled(entries, order):
                try:
                    ns = entry.sample(setting.sample_ns)
                except Lost as reason:
                    self.findings.skipped[setting.threads, layer.name, entry.variant] = str(reason)
                    entries.remove(entry)
                    continue
                self.findings.samples.append(Sample(entry.variant, layer.name, setting.threads, launch, number, ns))
        self._peak(setting, layer)
        ours.words("drop")

    def _peak(self, setting: Setting, layer: Layer) -> None:
        found = peak_gflops(self.built, setting.cpus)
        self.findings.peaks.setdefault(setting.threads, []).append(found)
        self.findings.peaks_of.setdefault((setting.threads, layer.name), []).append(found)

    def _peers_on(
        self,
        setting: Setting,
        layer: Layer,
        peers: Sequence[Peer],
        folder: Path,
        exact: reference.Reference,
    ) -> Iterable[_Entry]:
        for peer in peers:
            key = (setting.threads, layer.name, peer.name)
            if not setting.wants(layer.name, peer.name) or key in self.findings.skipped:
                continue
            try:
                found = peer.prepare(layer, folder, setting.sample_ns / 2)
            except Lost as reason:
                self.findings.skipped[key] = str(reason)
                continue
            if self._right(key, folder / f"{peer.name}.f32", exact, peer.name.endswith("winograd")):
                self.findings.modes.setdefault(key, []).append(found["mode"])
                yield _Entry(peer.name, peer.sample)

    def _ours_on(
        self,
        setting: Setting,
        layer: Layer,
        ours: Ours,
        variants: Sequence[tuple[str, str]],
        folder: Path,
        exact: reference.Reference,
    ) -> Iterable[_Entry]:
        for slot, (algorithm, kernel) in enumerate(variants):
            variant = f"{OURS} {algorithm}" if kernel == "-" else f"{OURS} {algorithm}/{kernel}"
            key = (setting.threads, layer.name, variant)
            if not setting.wants(layer.name, variant) or key in self.findings.skipped:
                continue
            if algorithm == "direct" and (layer.category != "1x1s1" or any(layer.pad)):
                continue  # not what it is for
            try:
                ours.words(f"pool {int(variant != ALONE)}")
                found = ours.prepare(slot, algorithm, "-" if variant == ALONE else kernel, layer, folder)
            except Lost as reason:
                self.findings.skipped[key] = str(reason)
                continue
            if self._right(key, folder / f"ours-{slot}.f32", exact, False):
                self.findings.modes.setdefault(key, []).append(found)
                yield _Entry(variant, lambda ns, slot=slot: ours.sample(slot, ns))  # type: ignore[misc]

    def _right(self, key: tuple[int, str, str], file: Path, exact: reference.Reference, winograd: bool) -> bool:
        error = exact.error(np.fromfile(file, np.float32), winograd)
        self.findings.errors[key] = max(error, self.findings.errors.get(key, 0.0))
        if error > 1 or math.isnan(error):
            self.findings.skipped[key] = f"its result is wrong: {error:.3g} times the error that is allowed"
            return False
        return True


def _shuffled(values: Iterable[T], order: random.Random) -> list[T]:
    found = list(values)
    order.shuffle(found)
    return found
