"""How near the library comes to this machine's limits: FMA peak for `indirect`, memcpy for the im2col copy.

Over the 3x3 layers of resnet18 and vgg16_d with at least 64 channels in and out, `hot`, one core.
"""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.model.layer import Layer
from harness.results.peaks import peaks_of, share_of
from harness.results.stream import Stream
from harness.store import records

NETWORKS = ("resnet18", "vgg16_d")


def is_of_panel(layer: Layer) -> bool:
    """Whether a layer, its network's name in front, counts here."""
    wide = (layer.kh, layer.kw, layer.groups) == (3, 3, 1) and min(layer.cin, layer.cout) >= 64
    return wide and layer.name.startswith(tuple(f"{network}-" for network in NETWORKS))


def memcpy_ns(program: Path, source_bytes: int, total: int, cpu: int) -> float:
    """Nanoseconds of libc's memcpy for ``total`` bytes out of ``source_bytes``, again and again from its start.

    Measured by convbench as im2col's copy is: hot, at other places each time, the median.
    """
    argv = [str(program), "probe", "--memcpy", str(source_bytes), str(total), "--cpu", str(cpu)]
    answer = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return float(answer["memcpy_ns"])


def lines(stream: Stream, layers: Sequence[Layer], program: Path, cpu: int) -> Iterator[str]:
    """The table and both means. The records are those of the variants ``im2col`` and ``indirect``, as published."""
    panel = [layer for layer in layers if is_of_panel(layer)]
    if not panel:
        return
    peaks = peaks_of(stream)
    matrices = {(r.layer, r.variant): r.matrix_bytes for r in stream.of(records.Layer)}
    shares, rates = [], []
    samples = list(stream.samples)
    yield f"{'layer':<30} {'GFLOP/s':>8} {'of peak':>8} {'copy GB/s':>10} {'memcpy GB/s':>12} {'ratio':>6}"
    for layer in panel:
        hot = [s for s in samples if s.layer == layer.name and s.cache == "hot"]
        indirect = [s for s in hot if s.variant == "indirect"]
        copies = [s.copy_ns for s in hot if s.variant == "im2col" and s.copy_ns]
        if not indirect or not copies:
            yield f"{layer.name:<30} not measured"
            continue
        speed = layer.flop / statistics.median(s.ns for s in indirect)
        known = [
            share
            for s in indirect
            if (peak := peaks.get((s.launch, s.build, s.pid)))
            and (share := share_of(layer.flop, s.ns, (s.mhz_before, s.mhz_after), peak)) is not None
        ]
        share = statistics.median(known) if known else None
        matrix = matrices[layer.name, "im2col"]
        copy = matrix / statistics.median(copies)
        plain = matrix / memcpy_ns(program, 4 * layer.h * layer.w * layer.cin, matrix, cpu)
        shares += [] if share is None else [share]
        rates.append(copy / plain)
        of_peak = "unknown" if share is None else f"{share:.1%}"
        yield f"{layer.name:<30} {speed:8.1f} {of_peak:>8} {copy:10.2f} {plain:12.2f} {copy / plain:6.2f}"
    if shares:
        yield f"indirect, share of FMA peak, geometric mean: {_mean(shares):.1%}"
    if rates:
        yield f"im2col copy against memcpy: least {min(rates):.2f}, geometric mean {_mean(rates):.2f}"


def _mean(values: list[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))
