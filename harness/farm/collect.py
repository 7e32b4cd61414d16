"""One run directory out of the artefacts of many jobs: shards and devices of one plan."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError
from harness.exit_codes import ExitCode, worst
from harness.farm import merging
from harness.farm.artefacts import find
from harness.farm.parts import Part, read_parts
from harness.farm.phones import Phone, group, missing_shards
from harness.measure.run.left_out import merged
from harness.measure.run.leftover import unmeasured, words
from harness.measure.run.manifest import new_run_id
from harness.store.journal import utc_now
from harness.store.manifest import KeptScheduler
from harness.store.rundir import RunDir, new_run_dir, point_latest

_MOST_NAMED = 8  # of the shards of one model that never came
_KEPT_CODES = (ExitCode.DONE, ExitCode.WRONG_RESULT, ExitCode.TOO_LITTLE_DATA)


@dataclass(frozen=True)
class Collected:
    """``jobs``: a row for each run that was found. ``missing``: what never came, a sentence each."""

    directory: Path
    code: ExitCode
    devices: tuple[str, ...]
    jobs: tuple[Mapping[str, Any], ...]
    missing: tuple[str, ...]
    remarks: tuple[str, ...]


def collect(
    folder: Path, out: Path | None, require: int | None, argv: Sequence[str], jobs: int | None = None
) -> Collected:
    """Reads what lies in ``folder`` and writes a run directory; the artefacts stay as they are.

    ``require``: so many devices at least have to have sent something; ``jobs``: so many jobs an artefact. Raises
    UsageError for artefacts that are not of one plan or are made to do harm, InfrastructureError where nothing can be
    read or written. Nothing is made then.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-collect-")))
        found = find(folder, scratch, stack)
        read = read_parts(found.runs)
        parts, lacking = read.parts, [*found.empty, *read.damaged]
        if jobs is not None and found.entries < jobs:
            lacking.append(f"{found.entries} of {jobs} jobs left something")
        if not parts:
            told = "; ".join([*lacking, *read.passed][:5])
            raise InfrastructureError(f"nothing was measured: {told}", "see the jobs' own logs")
        phones, twice = group(parts)
        remarks = (*found.remarks, *read.passed, *twice)
        gaps = missing_shards(phones, parts[0].count)
        lacking += _lacking(parts, phones, gaps, require)
        plan = merging.plan_of(phones, gaps)
        with new_run_dir(out, parts[0].request.suite) as run, _whole_or_nothing(run):
            _write(run, parts, phones, plan, argv, folder="" if out is not None else run.path.name)
            lacking += _unmeasured(run, phones)
            kept = list({id(part): part for phone in phones for part, _ in phone.sources}.values())
            code = worst([*map(_code, kept), *[ExitCode.INFRASTRUCTURE] * bool(lacking)])
            run.update_manifest(status=_status(kept, lacking), exit_code=int(code))
            point_latest(run)
        return Collected(
            run.path, code, tuple(phone.name for phone in phones), tuple(_rows(parts, phones)), tuple(lacking),
            remarks,
        )  # fmt: skip


@contextmanager
def _whole_or_nothing(run: RunDir) -> Iterator[None]:
    """Where the block fails nothing of the run stays, so that the same command can be given again."""
    try:
        yield
    except BaseException:
        for path in run.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        raise


def _lacking(
    parts: Sequence[Part], phones: Sequence[Phone], gaps: Mapping[tuple[str, str], Sequence[int]], require: int | None
) -> list[str]:
    count = parts[0].count
    lacking = [f"{part.artefact}: nothing was recorded on {name}" for part in parts for name in part.silent]
    for model, indices in gaps.items():
        shown = ", ".join(f"{index}/{count}" for index in indices[:_MOST_NAMED])
        shown += f" and {len(indices) - _MOST_NAMED} more" if len(indices) > _MOST_NAMED else ""
        called = model[0] or next(phone.name for phone in phones if phone.model == model)
        lacking.append(f"{called}: shard{'s' * (len(indices) > 1)} {shown} never came")
    if require is not None and len(phones) < require:
        lacking.append(f"{len(phones)} of {require} devices sent something")
    return lacking


def _write(
    run: RunDir,
    parts: Sequence[Part],
    phones: Sequence[Phone],
    plan: list[dict[str, Any]],
    argv: Sequence[str],
    folder: str,
) -> None:
    first = parts[0].manifest
    suite = str(first.suite.get("name") or "run")
    changes: dict[str, Any] = {
        "run": new_run_id(suite, folder),
        "status": "running",
        "started": min(part.manifest.started for part in parts),
        "finished": utc_now(),
        "exit_code": None,
        "argv": ["harness", *(word.encode("utf-8", "replace").decode() for word in argv)],
        "devices": [phone.name for phone in phones],
        "unusable": merged((), (each for part in parts for each in part.manifest.unusable)),
        "toolchain": {abi: info for part in parts for abi, info in part.manifest.toolchain.items()},
        "allow": list(dict.fromkeys(name for part in parts for name in part.manifest.allow)),
        "seconds": {},
        "shard": None,
        "tuned": merging.tables_of(phones),
        "portable": [],  # each device is a phone that is known
        "scheduler": _scheduler(parts),
        "collected": list(_rows(parts, phones)),
    }
    run.write_manifest(first.model_copy(update=changes))
    run.add_jobs(plan)
    for phone in phones:
        merging.write_phone(run, phone)


def _scheduler(parts: Sequence[Part]) -> KeptScheduler | None:
    """Of the lab, where all parts are of the same; else whoever goes on with the run has to name one."""
    found = [part.manifest.scheduler for part in parts]
    return found[0] if all(each == found[0] for each in found) else None


def _rows(parts: Sequence[Part], phones: Sequence[Phone]) -> list[dict[str, Any]]:
    kept = {id(part) for phone in phones for part, _ in phone.sources}
    return [
        {
            "artefact": part.artefact,
            "run": part.manifest.run,
            "shard": part.index,
            "shards": part.count,
            "devices": [
                next((phone.name for phone in phones if phone.is_same(found, part)), name)
                for name, found in part.phones.items()
            ],
            "status": part.manifest.status,
            "kept": id(part) in kept,
        }
        for part in parts
    ]


def _unmeasured(run: RunDir, phones: Sequence[Phone]) -> list[str]:
    """The jobs of each device that are planned and not done."""
    told = []
    for phone in phones:
        request = phone.sources[0][0].request
        layers = [layer.name for layer in request.layers]
        for label, jobs in unmeasured(run, phone.name, request).items():
            told.append(f"{phone.name}: not measured: cluster {label}: {words(jobs, layers)}")
    return told


def _code(part: Part) -> ExitCode:
    """What a job's own exit code says of the whole."""
    return next((code for code in _KEPT_CODES if part.manifest.exit_code == code), ExitCode.INFRASTRUCTURE)


def _status(parts: Sequence[Part], lacking: Sequence[str]) -> str:
    if any(part.manifest.status in ("running", "interrupted") for part in parts):
        return "interrupted"
    return "failed" if lacking or any(part.manifest.status != "done" for part in parts) else "done"
