"""How long each layer took in an earlier run: its records are the one place where that stands."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import fmean

from harness.store import records


def durations(run: Path) -> dict[str, float]:
    """Seconds of each layer in all its launches, the mean over the devices and clusters of a run directory.

    Only its ``job`` records are read; lines that are none are left out.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for file in sorted((run / "devices").glob("*/records.jsonl")):
        for layers in _of_device(file).values():
            for layer, seconds in layers.items():
                found[layer].append(seconds)
    return {layer: fmean(seconds) for layer, seconds in found.items()}


def _of_device(file: Path) -> dict[str, dict[str, float]]:
    """By cluster and layer."""
    found: dict[str, dict[str, float]] = {}
    cluster: dict[str, float] = {}
    with file.open("rb") as lines:
        for line in lines:
            if b'"header"' not in line and b'"job"' not in line:
                continue
            try:
                record = records.parse_record(line)
            except ValueError:
                continue
            if isinstance(record, records.Header):
                cluster = found.setdefault(record.cluster, defaultdict(float))
            elif isinstance(record, records.Job):
                cluster[record.layer] += record.elapsed_s
    return found
