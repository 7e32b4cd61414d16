"""What the store keeps of a run: results.csv with types, and beside each row who, when and with what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness import __version__
from harness.devices.phone_id import PhoneId
from harness.devices.pseudonyms import under
from harness.digest import sha256_of
from harness.errors import UsageError
from harness.export.parquet import typed
from harness.judge.verdict import VERSION as RULES
from harness.model.calibration import digest as policy_digest
from harness.model.sustained import SUSTAINED
from harness.results.columns import RESULT_COLUMNS
from harness.results.results import Results
from harness.results.rows import Row
from harness.stats.interval import t_quantile
from harness.store import parquet
from harness.store.pseudonym_key import key_id

FORMAT = 1  # of the store's files
Kinds = Mapping[str, str]

OF_RUN: Kinds = {
    "format": parquet.INTEGER,
    "run": parquet.TEXT,
    "started": parquet.TIME,
    "run_status": parquet.TEXT,
    "source": parquet.TEXT,  # SHA-256 over the records: what the rows were made of
    "addition": parquet.INTEGER,  # of this run, from 1
    "added": parquet.TIME,
    "harness": parquet.TEXT,  # that made the rows
    "rules": parquet.INTEGER,  # of verdicts, by version
    "measured_by": parquet.TEXT,  # the harness that measured
    "suite": parquet.TEXT,
    "policy": parquet.TEXT,
    "policy_digest": parquet.TEXT,
    "commit": parquet.TEXT,
    "dirty": parquet.FLAG,
}
OF_ROW: Kinds = {
    "phone": parquet.TEXT,  # a pseudonym: 16 hex digits
    "pseudonyms": parquet.TEXT,  # the id of their key
    "model": parquet.TEXT,
    "system": parquet.TEXT,
    "core": parquet.TEXT,
    "asked": parquet.TEXT,
    "launches": parquet.INTEGER,
    "log_se": parquet.NUMBER,  # standard error of the time's logarithm, over launches
}
COLUMNS = (*OF_RUN, *OF_ROW, *RESULT_COLUMNS)


@dataclass(frozen=True)
class RunRows:
    """A run as the store keeps it, without its number among additions and the time of adding."""

    run: str
    source: str
    harness: str
    rules: int
    columns: parquet.Columns
    rows: int
    left_out: tuple[str, ...]  # devices of which nothing tells which phone they are

    def stamped(self, addition: int, added: datetime) -> parquet.Columns:
        """The columns of its file."""
        more = {"addition": addition, "added": added}
        stamps = {name: (OF_RUN[name], [value] * self.rows) for name, value in more.items()}
        every = {**self.columns, **stamps}
        return {name: every[name] for name in COLUMNS}


def rows_of(results: Results, key: bytes) -> RunRows:
    """What is kept of a run. ``key``: of pseudonyms. Raises UsageError where it has nothing to keep."""
    run = results.run
    name = str(run.manifest.get("run") or run.path.name)
    if run.mode == SUSTAINED:
        raise UsageError(f"{name}: a sustained run has series of its own, no times of a cool device", "add a burst run")
    phones = {device.name: _phone(run.path, device.name, key) for device in run.devices}
    kept = [
        row for row in results.rows if not (row.is_copy or row.other_build) and phones.get(row.key.device)
    ]  # the run's own build: other ones are not of its time
    if not kept:
        raise UsageError(f"{name}: it has no results of a known device: nothing to add", "add a run that measured")
    of_run = _of_run(results, name)
    columns: dict[str, tuple[str, list[Any]]] = {
        column: (kind, [of_run[column]] * len(kept)) for column, kind in OF_RUN.items() if column in of_run
    }
    of_rows = [_of_row(results, row, phones[row.key.device]) for row in kept]
    columns |= {column: (kind, [values[column] for values in of_rows]) for column, kind in OF_ROW.items()}
    columns |= typed(RESULT_COLUMNS, [row.columns for row in kept])
    unknown = tuple(device for device, phone in phones.items() if phone is None)
    return RunRows(name, of_run["source"], __version__, RULES, columns, len(kept), unknown)


def _of_run(results: Results, name: str) -> dict[str, Any]:
    manifest = results.run.manifest
    git, versions = _object(manifest.get("git")), _object(manifest.get("versions"))
    policy = results.verdicts.policy
    return {
        "format": FORMAT,
        "run": name,
        "started": _time(manifest.get("started"), name),
        "run_status": _text(manifest.get("status")),
        "source": source_of(results.run.path),
        "harness": __version__,
        "rules": RULES,
        "measured_by": _text(versions.get("harness")),
        "suite": results.run.suite or None,
        "policy": policy.name,
        "policy_digest": policy_digest(policy),
        "commit": _text(git.get("commit")),
        "dirty": git.get("dirty") if isinstance(git.get("dirty"), bool) else None,
    }


def _of_row(results: Results, row: Row, phone: PhoneId | None) -> dict[str, Any]:
    device = next(each for each in results.run.devices if each.name == row.key.device)
    return {
        "phone": phone.digest if phone else None,
        "pseudonyms": phone.pseudonyms if phone else None,
        "model": _text(device.identity.get("model")),
        "system": _text(device.identity.get("fingerprint")) or _text(device.identity.get("kernel")),
        "core": device.core(row.key.cluster) or None,
        "asked": _text(row.key.what.asked),
        "launches": row.launches,
        "log_se": log_se(row),
    }


def log_se(row: Row) -> float | None:
    """The standard error of the logarithm of a row's time, from its 95 % interval; None where it has none."""
    time = row.time
    if time is None or time.low is None or time.high is None or time.launches < 2:
        return None
    return math.log(time.high / time.low) / 2 / t_quantile(0.975, time.launches - 1)


def source_of(run_dir: Path) -> str:
    """SHA-256 over the records of all devices, whatever their folders are called: the same for a run and its bundle."""
    digests = [sha256_of(file) for file in (run_dir / "devices").glob("*/records.jsonl")]
    return sha256("\n".join(sorted(digests)).encode()).hexdigest()


def _phone(run_dir: Path, name: str, key: bytes) -> PhoneId | None:
    phone = PhoneId.read_or_none(run_dir / "devices" / name / "device.json")
    return None if phone is None else under(phone, key, key_id(key))


def _time(value: object, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:  # a year that has no UTC
        raise UsageError(f"{name}: its manifest does not tell when it was started", "put back a copy of it") from error


def _text(value: object) -> str | None:
    """A text; None for nothing, and for what is none."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and value else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
