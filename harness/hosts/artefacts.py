"""A device's part of a run directory as one file, between host and front end: whole or not at all.

It is of somebody else, on either side: its opening is that of a bundle (names, links, sizes), it holds nothing but the
files that a device has, and it continues what is on record here, or is refused.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.bundle.archive import Archive, write_archive
from harness.bundle.layout import SUMS, digest_of, parse_sums, sums_text
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, HarnessError, InfrastructureError
from harness.store.journal import append_bytes, objects, write_atomically
from harness.store.replacing import INCOMING, replace_folder
from harness.store.rundir import DEVICE_FILE, RunDir

PLAN = "plan.jsonl"
_FILES = re.compile(DEVICE_FILE)
_GROWING = ("records.jsonl", "settings.jsonl", "events.jsonl")
_LARGEST_SUMS = 1 << 20
_REMEDY = "what is on record here is kept as it is; look after that host, then go on with --resume"


@dataclass(frozen=True)
class Part:
    """The files of one device by their names in its folder, and the lines of plan.jsonl that are its."""

    files: Mapping[str, Path]
    plan: bytes = b""


def part_of(run: RunDir, name: str, plan: bytes | None = None) -> Part:
    """What the run directory has of a device. ``plan``: its lines, where the caller has read them."""
    folder = run.device(name).path
    every = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    files = {path.relative_to(folder).as_posix(): path for path in every}
    known = {each: path for each, path in files.items() if _FILES.fullmatch(each)}
    return Part(known, plans_by_device(run).get(name, b"") if plan is None else plan)


def plans_by_device(run: RunDir) -> dict[str, bytes]:
    """The lines of plan.jsonl, by device."""
    found: dict[str, list[bytes]] = {}
    try:
        lines = (run.path / PLAN).read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return {}
    for line in lines:
        for value in objects([line]):
            found.setdefault(str(value.get("device")), []).append(line)
    return {name: b"".join(of_it) for name, of_it in found.items()}


def packed(part: Part) -> bytes:
    """One file of all that. Raises InfrastructureError where it cannot be made."""
    try:
        with tempfile.TemporaryDirectory(prefix="harness-part-") as place:
            folder = Path(place) / "part"
            folder.mkdir()
            for name, path in part.files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / name)
            (folder / PLAN).write_bytes(part.plan)
            names = [*part.files, PLAN]
            (folder / SUMS).write_bytes(sums_text({name: digest_of((folder / name).read_bytes()) for name in names}))
            out = Path(place) / "archive"
            write_archive(out, folder, [*names, SUMS])
            return out.read_bytes()
    except OSError as error:
        raise InfrastructureError(
            f"a device's files cannot be packed: {error.strerror or error}", "make room"
        ) from error


@contextmanager
def opened(data: object, whose: str, folder: Path) -> Iterator[Part]:
    """The files of such a file within the block, below ``folder``, each checked. Raises DeviceError for another one.

    ``whose``: for messages.
    """
    if not isinstance(data, bytes):
        raise DeviceError(f"{whose}: no artefacts came back", _REMEDY)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        file = Path(place) / "artefacts"
        file.write_bytes(data)
        try:
            archive = Archive(file)
            try:
                sums = _checked(archive)
                for name, digest in sums.items():
                    if archive.extract(name, Path(place) / "part" / name) != digest:
                        raise archive.refused(f"{name} was changed: its SHA-256 is not that of {SUMS}")
            finally:
                archive.close()
        except InfrastructureError:
            raise
        except HarnessError as error:
            what = error.message.replace(f"{file}: ", "").replace(f"{file} ", "")
            raise DeviceError(f"{whose}: its artefacts are refused: {what}", _REMEDY) from error
        except OSError as error:
            raise InfrastructureError(
                f"{whose}: its artefacts cannot be written: {error.strerror or error}", "make room, then --resume"
            ) from error
        root = Path(place) / "part"
        yield Part({name: root / name for name in sums if name != PLAN}, (root / PLAN).read_bytes())


def _checked(archive: Archive) -> dict[str, str]:
    """The digests by file. Raises UsageError where a file is missing, or is none that a device has."""
    sizes = archive.sizes
    if SUMS not in sizes:
        raise archive.refused(f"they are incomplete: {SUMS} is missing")
    sums = parse_sums(archive.read(SUMS, _LARGEST_SUMS), "they")
    for name in sums:
        if name not in sizes:
            raise archive.refused(f"they are incomplete: {name} is missing")
    for name in sizes:
        if name not in (SUMS, PLAN) and not _FILES.fullmatch(name):
            raise archive.refused(f"{name} is no file of a device")
        if name != SUMS and name not in sums:
            raise archive.refused(f"{name} is surplus: {SUMS} does not have it")
    if PLAN not in sums:
        raise archive.refused(f"they are incomplete: {PLAN} is missing")
    return sums


def check_continues(part: Part, before: Part, name: str, whose: str) -> None:
    """Raises DeviceError where the part does not hold all that is on record before it, or is of another phone."""
    for file in _GROWING:
        if file in before.files:
            known, now = before.files[file].read_bytes(), b""
            if file in part.files:
                now = part.files[file].read_bytes()
            if not now.startswith(known):
                raise DeviceError(f"{whose}: its {file} does not continue what is on record here", _REMEDY)
    ours, theirs = phone_of(before), phone_of(part)
    if ours is not None and theirs is not None and not ours.is_same(theirs):
        raise DeviceError(f"{whose}: its artefacts are of another phone ({theirs.title})", _REMEDY)
    if (records := part.files.get("records.jsonl")) is not None and not _ends_whole(records):
        raise DeviceError(f"{whose}: its records.jsonl ends within a line", _REMEDY)
    new = list(objects(part.plan.splitlines()))
    if len(new) != len(part.plan.splitlines()) or any(line.get("device") != name for line in new):
        raise DeviceError(f"{whose}: its {PLAN} is damaged, or of another device", _REMEDY)
    if not part.plan.startswith(before.plan):
        raise DeviceError(f"{whose}: its {PLAN} does not continue the one here", _REMEDY)


def phone_of(part: Part) -> PhoneId | None:
    """The phone that its device.json tells of; None where there is none, or it is damaged."""
    file = part.files.get("device.json")
    return None if file is None else PhoneId.read_or_none(file)


def _ends_whole(file: Path) -> bool:
    data = file.read_bytes()
    return not data or data.endswith(b"\n")


def take(run: RunDir, name: str, data: object, whose: str, before: bytes | None = None) -> None:
    """Puts what came back of a device into the run directory, all of it or nothing.

    ``before``: the lines of plan.jsonl that are its.
    Raises DeviceError where it is refused, InfrastructureError where it cannot be written.
    """
    with opened(data, whose, run.path / INCOMING) as part:
        here = part_of(run, name, before)
        check_continues(part, here, name, whose)
        append_missing(run, part.plan, here.plan)
        # A host that failed early gives back less than was sent to it: which phone it is stays on record.
        kept = {file: path for file, path in here.files.items() if file not in part.files}
        replace_folder(run, name, part.files, kept)


def append_missing(run: RunDir, plan: bytes, known: bytes) -> None:
    """Adds the lines to plan.jsonl that it has not yet."""
    if len(plan) > len(known):
        append_bytes(run.path / PLAN, plan[len(known) :])


def write_plan(run: RunDir, plan: bytes) -> None:
    """The run directory's plan.jsonl is these lines."""
    write_atomically(run.path / PLAN, plan)
