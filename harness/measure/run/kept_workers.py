"""Workers of somebody else in a run's manifest: which files they were, and that they still are when it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from harness.digest import sha256_of_part
from harness.errors import UsageError
from harness.model.comparator import Comparator, Compared
from harness.model.wording import printable
from harness.model.worker import Worker
from harness.store.manifest import KeptComparator, KeptCompared, KeptWorker, Manifest


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


def kept_comparators(comparators: Iterable[Comparator]) -> list[KeptComparator]:
    """The comparators for the manifest, as ``kept`` does with workers. Raises UsageError."""
    return [
        KeptComparator(
            name=each.name,
            version=each.version,
            licence=each.licence,
            by_abi={
                abi: KeptCompared(**kept([one])[0].model_dump(), home=one.home, lack=one.lack)
                for abi, one in each.by_abi.items()
            },
        )
        for each in comparators
    ]


def comparators_of(manifest: Manifest) -> tuple[Comparator, ...]:
    """The comparators of a run. Raises UsageError where the manifest is damaged."""
    try:
        return tuple(
            Comparator(
                name=each.name,
                version=each.version,
                licence=each.licence,
                by_abi={
                    abi: Compared(
                        name=one.name,
                        program=Path(one.program),
                        files=tuple(map(Path, one.files)),
                        home=one.home,
                        lack=one.lack,
                    )
                    for abi, one in each.by_abi.items()
                },
            )
            for each in manifest.comparators
        )
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        raise UsageError(f"manifest.json is damaged: comparators: {what}", "start a new run") from error


def check_unchanged(manifest: Manifest) -> None:
    """Raises UsageError where a file is not the one that was measured: half a run by another cannot be compared."""
    pairs: list[tuple[KeptWorker, Worker]] = list(zip(manifest.workers, workers_of(manifest), strict=True))
    for compared, comparator in zip(manifest.comparators, comparators_of(manifest), strict=True):
        pairs += [(compared.by_abi[abi], one) for abi, one in comparator.by_abi.items()]
    for each, worker in pairs:
        for path in worker.every:
            if sha256_of_part(f"worker {worker.name}", path) != each.sha256.get(path.name):
                raise UsageError(
                    f"worker {worker.name}: {printable(path)} is not the file that was measured",
                    f"put back the one with SHA-256 {each.sha256.get(path.name, 'unknown')}, or start a new run",
                )
