"""Artefacts of jobs: runs of shards, made small, in folders and zip files."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import synthetic
from benchmarks.synthetic import Phone
from harness.farm.collect import Collected, collect

LAYERS = synthetic.LAYERS[1:4]
CLUSTERS = (("4-7", "Cortex-A75", 2803),)
ONE, TWO = (Phone(serial=serial * 4, clusters=CLUSTERS) for serial in ("AAA1", "BBB2"))
PIXEL_8 = Phone("pixel-8", "Pixel 8", "CCC3CCC3", clusters=CLUSTERS)


def job(
    path: Path,
    phone: Phone = ONE,
    index: int = 1,
    count: int = 1,
    started: str = "2026-11-21T12:00:00Z",
    launches: int = 2,
    **changes: Any,
) -> Path:
    """The run directory of one job: of ``count`` shards that with every ``count``-th layer."""
    layers = LAYERS[index - 1 :: count]
    synthetic.make_run(path, [phone], layers, launches, 1, ("hot",), run=f"run-{path.parent.name}", started=started)
    shard = {"index": index, "count": count, "plan": "ab" * 32, "layers": [each["name"] for each in layers]}
    change(path, suite={"name": "quick", "layers": list(LAYERS)}, shard=shard if count > 1 else None, **changes)
    return path


def change(run: Path, **changes: Any) -> None:
    """Changes fields of a manifest."""
    file = run / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def lose(run: Path, records: int) -> None:
    """The job was killed: its last records are not there, the last one is cut, and it says that it is running."""
    (file,) = run.glob("devices/*/records.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)[:-records]
    file.write_bytes(b"".join(lines) + b'{"type": "sam')
    change(run, status="running", exit_code=None, finished=None)


def zipped(run: Path, to: Path, root: str = "", more: Sequence[tuple[str, bytes]] = ()) -> Path:
    """The run as a service packs it, beside whatever else it has."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(run.rglob("*")):
            archive.write(file, f"{root}{file.relative_to(run)}")
        for name, data in more:
            archive.writestr(name, data)
    return to


def hostile(to: Path, spoil: Callable[[zipfile.ZipInfo], None], name: str, data: bytes = b"x") -> Path:
    """A zip file of a run with one entry that somebody spoilt."""
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o100644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    spoil(info)
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("run/manifest.json", "{}")
        archive.writestr("run/plan.jsonl", "")
        archive.writestr(info, data)
    return to


def collected(jobs: Path, require: int | None = None) -> Collected:
    """What is made of a folder of artefacts, in ``all`` beside it."""
    return collect(jobs, jobs.parent / "all", require, ["farm", "collect"])
