"""``harness bundle RUN``: one file of a run, the same bytes each time, with nothing that tells a phone's number."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import __version__
from harness.bundle import layout, signature
from harness.bundle.archive import write_archive
from harness.bundle.copying import copy_run
from harness.digest import sha256_of
from harness.errors import UsageError
from harness.export.output import write_file
from harness.report.writer import write_report
from harness.store.manifest import Manifest
from harness.store.pseudonym_key import key_id, made_key
from harness.store.rundir import RunDir


@dataclass(frozen=True)
class Made:
    """A bundle that was written."""

    out: Path
    size: int  # bytes
    sums: Mapping[str, str]  # SHA-256 by file
    manifest: Manifest
    is_signed: bool

    @property
    def remarks(self) -> Iterator[str]:
        """What belongs beside it."""
        if self.manifest.status != "done":
            yield f"the run is {self.manifest.status}: what it lacks is not in the bundle, which says so"


def make_bundle(run_dir: Path, out: Path | None, key: Path | None = None) -> Made:
    """Writes the bundle of a run directory; ``out``: its file, by default the run's name in the current folder;
    ``key``: an SSH key to sign it with.

    Raises UsageError where that is no run directory, is being written, or the file or the signature cannot be made.
    """
    if run_dir.is_file():
        raise UsageError(f"{run_dir} is a file: a bundle is made of a run directory", "name the run directory")
    run = RunDir(run_dir.resolve())
    manifest = run.manifest()
    if run.is_being_written():
        raise UsageError(f"{run_dir} is being written by a harness run", "wait until it ends, or stop it")
    pseudonyms = made_key()
    with tempfile.TemporaryDirectory(prefix="harness-bundle-") as temporary:
        folder = Path(temporary) / manifest.run
        redaction = copy_run(run, manifest, folder, pseudonyms)
        about = redaction.value(about_run(manifest, key_id(pseudonyms)))
        (folder / layout.ABOUT).write_text(json.dumps(about, indent=2) + "\n", "utf-8")
        write_report(folder)  # which tells by bundle.json that it is one of a bundle
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        sums = {name: sha256_of(folder / name) for name in names if name not in layout.UNLISTED}
        (folder / layout.SUMS).write_bytes(layout.sums_text(sums))
        names = [*sums, layout.SUMS]
        if key is not None:
            (folder / layout.SIGNATURE).write_bytes(signature.sign(folder / layout.SUMS, key))
            names.append(layout.SIGNATURE)
        packed = Path(temporary) / "packed"
        write_archive(packed, folder, names)
        out = Path(f"{manifest.run}.zip") if out is None else out
        with packed.open("rb") as file:
            write_file(out, iter(lambda: file.read(1 << 20), b""))
        return Made(out, packed.stat().st_size, sums, manifest, key is not None)


def about_run(manifest: Manifest, pseudonyms: str) -> dict[str, Any]:
    """bundle.json: what is bundled, and the digests of the programs that measured; null where none was recorded."""
    programs = {
        abi: {"build_id": built.get("build_id"), "sha256": built.get("sha256")}
        for abi, built in manifest.toolchain.items()
    }
    return {
        "bundle": layout.VERSION,
        "harness": __version__,
        "run": manifest.run,
        "status": manifest.status,
        "started": manifest.started,
        "finished": manifest.finished,
        "suite": manifest.suite.get("name"),
        "devices": manifest.devices,
        "pseudonyms": pseudonyms,
        "programs": programs,
        "against": {
            other.name: {
                abi: {"build_id": each.build_id, "sha256": each.sha256} for abi, each in other.programs.items()
            }
            for other in manifest.against
        },
        "workers": {worker.name: worker.sha256 for worker in manifest.workers},
        "comparators": {
            each.name: {abi: one.sha256 for abi, one in each.by_abi.items()} for each in manifest.comparators
        },
        "tuned": manifest.tuned,
    }
