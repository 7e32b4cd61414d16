"""Workers of somebody else in a run's manifest: which files they were, and that they still are when it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from harness.digest import sha256_of_part
from harness.errors import UsageError
from harness.model.wording import printable
from harness.model.worker import Worker
from harness.store.manifest import KeptWorker, Manifest


def kept(workers: Iterable[Worker]) -> list[KeptWorker]:
    """The workers for the manifest, with the SHA-256 of each file by its name. Raises UsageError."""
    return [
        KeptWorker(
            name=worker.name,
            program=str(worker.program.absolute()),
            files=[str(path.absolute()) for path in worker.files],
            sha256={path.name: sha256_of_part(f"worker {worker.name}", path) for path in worker.every},
        )
        for worker in workers
    ]


def workers_of(manifest: Manifest) -> tuple[Worker, ...]:
    """The workers of a run. Raises UsageError where the manifest is damaged."""
    try:
        return tuple(
            Worker(name=each.name, program=Path(each.program), files=tuple(map(Path, each.files)))
            for each in manifest.workers
        )
    except ValidationError as error:
        raise UsageError(f"manifest.json is damaged: workers: {error.errors()[0]['msg']}", "start a new run") from error


def check_unchanged(manifest: Manifest) -> None:
    """Raises UsageError where a file is not the one that was measured: half a run by another cannot be compared."""
    for each, worker in zip(manifest.workers, workers_of(manifest), strict=True):
        for path in worker.every:
            if sha256_of_part(f"worker {worker.name}", path) != each.sha256.get(path.name):
                raise UsageError(
                    f"worker {worker.name}: {printable(path)} is not the file that was measured",
                    f"put back the one with SHA-256 {each.sha256.get(path.name, 'unknown')}, or start a new run",
                )
