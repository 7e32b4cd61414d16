"""Writes one run directory of the runs of many jobs: nothing in those is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError, UsageError
from harness.farm.parts import Part
from harness.farm.phones import Phone
from harness.measure.run.clusterplan import planned_lines
from harness.store.journal import append_bytes, objects, read_lines
from harness.store.rundir import RunDir

_LINES = ("records.jsonl", "events.jsonl", "settings.jsonl")
_CHUNK = 1 << 22  # bytes
_MOST_ATTEMPTS = 999_999  # at one cluster, as the names of plans have them


def write_phone(run: RunDir, phone: Phone) -> None:
    """Device, records, events, settings and plans of a phone, of each shard behind the other.

    Attempts at a cluster are numbered on, in the records' headers and in the plans' names. Raises InfrastructureError.
    """
    to = run.path / "devices" / phone.name
    try:
        to.mkdir(parents=True)
        _write_identity(to / "device.json", phone)
        attempts: dict[str, int] = {}
        for part, name in phone.sources:
            source = part.run.path / "devices" / name
            before = dict(attempts)
            for file in _LINES:
                _append(source / file, to / file, before, attempts)
            _copy_plans(source / "plans", to / "plans", before)
        _tell_endings(run, phone)
    except OSError as error:
        raise InfrastructureError(
            f"{error.filename or to}: {error.strerror or error}", "free some space or mend the permissions"
        ) from error


def _write_identity(file: Path, phone: Phone) -> None:
    """That of the job that saw most clusters."""
    every = [
        json.loads((part.run.path / "devices" / name / "device.json").read_bytes()) for part, name in phone.sources
    ]
    best = max(every, key=lambda value: len(value["clusters"]) if isinstance(value.get("clusters"), list) else 0)
    file.write_text(json.dumps({**best, "name": phone.name}, indent=2, ensure_ascii=False) + "\n", "utf-8", "replace")


def _append(source: Path, to: Path, before: Mapping[str, int], attempts: dict[str, int]) -> None:
    """Whole lines only: a job may have been killed while it wrote."""
    try:
        file = source.open("rb")
    except FileNotFoundError:
        return
    with file:
        while some := file.readlines(_CHUNK):
            whole = [line for line in some if line.endswith(b"\n")]
            if source.name == "records.jsonl":
                whole = [_numbered_on(line, before, attempts) if b'"header"' in line[:80] else line for line in whole]
            append_bytes(to, b"".join(whole))


def _numbered_on(line: bytes, before: Mapping[str, int], attempts: dict[str, int]) -> bytes:
    try:
        value = json.loads(line)
        cluster, attempt = str(value["cluster"]), value["attempt"]
        if value["type"] != "header" or type(attempt) is not int or not 1 <= attempt <= _MOST_ATTEMPTS:
            return line  # damaged: told by who reads it
    except (ValueError, KeyError, TypeError, RecursionError):
        return line
    number = attempt + before.get(cluster, 0)
    attempts[cluster] = max(attempts.get(cluster, 0), number)
    if number == attempt:
        return line
    return json.dumps({**value, "attempt": number}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _copy_plans(source: Path, to: Path, before: Mapping[str, int]) -> None:
    for file in sorted(source.glob("*")):
        cluster, _, attempt = file.stem.rpartition(".")
        is_plan = file.suffix == ".plan" and attempt.isascii() and attempt.isdigit()
        if not file.is_file() or not (is_plan or file.suffix == ".tuned"):
            continue
        name = f"{cluster}.{int(attempt) + before.get(cluster, 0)}.plan" if is_plan else file.name
        to.mkdir(exist_ok=True)
        (to / name).write_bytes(file.read_bytes())


def _tell_endings(run: RunDir, phone: Phone) -> None:
    """A report reads the last one: it has to tell what every job said."""
    events = run.device(phone.name).events
    endings = [events_of[-1] for part, name in phone.sources if (events_of := _endings(part, name))]
    if len(endings) > 1:
        told = dict.fromkeys(str(m) for end in endings for m in _listed(end.get("messages")))
        events.add("finished", state="collected", messages=list(told))


def _endings(part: Part, name: str) -> list[dict[str, Any]]:
    events = read_lines(part.run.path / "devices" / name / "events.jsonl")
    return [event for event in events if event.get("event") in ("finished", "not begun")]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def tables_of(phones: Sequence[Phone]) -> dict[str, dict[str, str]]:
    """SHA-256 of the tuned tables, by device and cluster. Raises UsageError where two shards of a phone have two."""
    found: dict[str, dict[str, str]] = {}
    for phone in phones:
        for part, name in phone.sources:
            for label, digest in part.manifest.tuned.get(name, {}).items():
                if found.setdefault(phone.name, {}).setdefault(label, digest) != digest:
                    raise UsageError(
                        f"{part.artefact}: cluster {label} of {name} has another tuned table than a shard before it",
                        "collect what one recipe's jobs left, and put the rest elsewhere",
                    )
    return found


def plan_of(phones: Sequence[Phone], gaps: Mapping[tuple[str, str], Sequence[int]]) -> list[dict[str, Any]]:
    """plan.jsonl: the lines of the runs that are kept, and of shards that never came what they would have had.

    Raises UsageError where two shards of a phone have one job.
    """
    filled: set[tuple[str, str]] = set()
    plan: list[dict[str, Any]] = []
    for phone in phones:
        lines = list(_lines(phone))
        seen = {_job(line) for line in lines}
        if len(seen) < len(lines):
            raise UsageError(
                f"{phone.name}: two shards have one job: they are no shards of one plan",
                "collect what one recipe's jobs left, and put the rest elsewhere",
            )
        if phone.model in gaps and phone.model not in filled:
            filled.add(phone.model)
            request = phone.sources[0][0].request
            labels = dict.fromkeys(str(line.get("cluster")) for line in lines)
            every = [line for label in labels for line in planned_lines(phone.name, label, request)]
            there = {_job(line) for other in phones if other.model == phone.model for line in _lines(other)}
            lines += [line for line in every if _job(line) not in there]
        plan += lines
    return plan


def _lines(phone: Phone) -> Iterator[dict[str, Any]]:
    for part, name in phone.sources:
        try:
            with (part.run.path / "plan.jsonl").open("rb") as file:
                mine = [line for line in objects(file) if line.get("device") == name]
        except OSError:
            continue
        yield from ({**line, "device": phone.name} for line in mine)


def _job(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(line.get("cluster")), str(line.get("launch")), str(line.get("layer"))
