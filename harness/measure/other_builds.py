"""The builds of --against: made or found, told apart, and kept in the run directory so that --resume has them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.measure.digest import digest_of
from harness.measure.greeting import check_protocol, greet, protocol_in
from harness.measure.programs import Programs
from harness.model.calibration import BUILD_DIGITS
from harness.model.other_build import OtherBuild, OtherProgram
from harness.paths import build_root, data_root
from harness.store.rundir import RunDir
from harness.toolchain import elf
from harness.toolchain.builder import Built, build
from harness.toolchain.cache import PROGRAM, RECORD
from harness.toolchain.git import take_out
from harness.toolchain.toolchain import HOST

REVISION = "revision-"  # how folders of a revision's sources begin, in the build folder
_SOURCES = ("native", "ndk")


class NothingToCompare(HarnessError):
    """All the builds are bit for bit the program that they were to be measured against: no fault, and nothing to do."""

    exit_code = ExitCode.DONE


@dataclass(frozen=True)
class Found:
    """A build with its programs on this host, by ABI."""

    build: OtherBuild
    paths: Mapping[str, Path]


def find_others(
    others: Sequence[OtherBuild], ours: Mapping[str, Built], ndk: Path | None, say: Callable[[str], None]
) -> list[Found]:
    """Builds or finds a program of each build for every ABI of ``ours``; those that are the same program are left out.

    Raises UsageError where one cannot take part, InfrastructureError where one does not build, NothingToCompare where
    all are the same program as ours.
    """
    found: list[Found] = []
    known = {"this checkout": {abi: built.build_id for abi, built in ours.items()}}
    alike = []
    for other in others:
        one = _found(other, ours, ndk, say)
        ids = {abi: program.build_id for abi, program in one.build.programs.items()}
        if (same := _same_as(other, ids, known)) is not None:
            alike.append(f"{other.title} is bit for bit the same program as {same}")
            say(f"--against {alike[-1]} ({next(iter(ids.values()))[:BUILD_DIGITS]})")
            continue
        known[f"--against {other.name}"] = ids
        found.append(one)
    if others and not found:
        raise NothingToCompare(f"nothing to compare: {'; '.join(alike)}", "nothing was measured")
    return found


def _same_as(other: OtherBuild, ids: Mapping[str, str], known: Mapping[str, Mapping[str, str]]) -> str | None:
    """Which known build it is. Raises UsageError where it is one for some devices alone."""
    for name, theirs in known.items():
        same = [abi for abi, build_id in ids.items() if build_id[:BUILD_DIGITS] == theirs[abi][:BUILD_DIGITS]]
        if len(same) == len(ids):
            return name
        if same:
            raise UsageError(
                f"--against {other.name}: for {', '.join(same)} it is the program of {name}, for the others it is not",
                "measure one kind of device at a time: --device",
            )
    return None


def _found(other: OtherBuild, ours: Mapping[str, Built], ndk: Path | None, say: Callable[[str], None]) -> Found:
    what = f"--against {other.name}"
    if other.kind == "revision":
        built = _of_revision(other, ours, ndk, say)
        programs = {
            abi: OtherProgram(build_id=b.build_id, sha256=digest_of(what, b.path), info=_info(b.info, b.toolchain))
            for abi, b in built.items()
        }
        return Found(other.model_copy(update={"programs": programs}), {abi: b.path for abi, b in built.items()})
    paths = {abi: _program(other, what, abi, built) for abi, built in ours.items()}
    programs = {abi: _read(what, path, abi, ours[abi]) for abi, path in paths.items()}
    if HOST in paths:
        greet(what, paths[HOST], protocol_in(data_root()))
    return Found(other.model_copy(update={"programs": programs}), paths)


def _of_revision(
    other: OtherBuild, ours: Mapping[str, Built], ndk: Path | None, say: Callable[[str], None]
) -> dict[str, Built]:
    what = f"--against {other.title}"
    with _sources_of(other.source) as tree:
        if not (tree / "native" / "CMakeLists.txt").is_file():
            raise UsageError(f"{what}: that revision has no native/CMakeLists.txt", "name a later one")
        check_protocol(what, protocol_in(tree), protocol_in(data_root()))
        built = {}
        for abi, mine in ours.items():
            try:
                built[abi] = build(abi, mine.toolchain, ndk if mine.toolchain == "ndk" else None, say, tree)
            except InfrastructureError as error:
                raise InfrastructureError(f"{what} for {abi}: {error.message}", error.remedy) from error
        return built


@contextmanager
def _sources_of(commit: str) -> Iterator[Path]:
    """Its sources in a folder of their own within the block; always the same one, since debug information names it."""
    root = build_root()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{REVISION}{commit}"
    with FileLock(root / ".revisions.lock"):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            take_out(data_root(), commit, _SOURCES, folder)
            yield folder
        except OSError as error:
            raise InfrastructureError(f"{folder}: {error.strerror or error}", "make room, or mend it") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _program(other: OtherBuild, what: str, abi: str, ours: Built) -> Path:
    """convbench for that ABI: of a folder the one in it, in its bench/, or in a folder called as ours is."""
    source = Path(other.source)
    if other.kind == "program":
        return source
    places = [source / PROGRAM, source / "bench" / PROGRAM, source / ours.path.parent.name / PROGRAM]
    there = [path for path in places if path.is_file()]
    if not there:
        raise UsageError(
            f"{what}: the folder holds no {PROGRAM} for {abi}",
            f"name a folder that `harness build` or CMake built into; looked for {', '.join(map(str, places))}",
        )
    return next((path for path in there if _machine(path) == ours.info.get("machine")), there[0])


def _machine(path: Path) -> str:
    try:
        return elf.machine_of(path)
    except OSError:
        return ""  # told when it is read as a whole


def _read(what: str, path: Path, abi: str, ours: Built) -> OtherProgram:
    if not path.is_file():
        raise UsageError(f"{what}: {path} is no file", "name a convbench program")
    if not os.access(path, os.X_OK):
        raise UsageError(f"{what}: {path} is not executable", f"chmod +x {path}")
    try:
        checked = elf.check(path, machine=str(ours.info.get("machine", "")), android=abi != HOST)
    except InfrastructureError as error:
        raise UsageError(f"{what}: {error.message}", f"name a convbench that is built for {abi}") from None
    return OtherProgram(build_id=checked.build_id, sha256=digest_of(what, path), info=_beside(path, checked.build_id))


def _beside(path: Path, build_id: str) -> dict[str, Any]:
    """What `harness build` has left beside a program about it; nothing where that is about another one."""
    try:
        record = json.loads((path.parent / RECORD).read_text("utf-8"))
        return _info(record, str(record["toolchain"])) if record["build_id"] == build_id else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _info(record: Mapping[str, Any], toolchain: str) -> dict[str, Any]:
    """What is compared of two programs' making."""
    return {"toolchain": toolchain, **{key: record[key] for key in ("compiler", "flags", "defines") if key in record}}


def keep_others(run: RunDir, found: Sequence[Found]) -> None:
    """Copies the programs into the run directory. Raises InfrastructureError."""
    for each in found:
        for abi, path in each.paths.items():
            target = kept_program(run, abi, each.build.programs[abi])
            try:
                target.parent.mkdir(exist_ok=True)
                shutil.copy2(path, target)
            except OSError as error:
                raise InfrastructureError(f"{target}: {error.strerror or error}", "make room on the disk") from error


def kept_program(run: RunDir, abi: str, program: OtherProgram) -> Path:
    """Where a run directory has it."""
    return run.path / "programs" / f"{abi}-{program.build}"


def with_others(programs: Programs, run: RunDir, others: Sequence[OtherBuild]) -> Programs:
    """With the programs of other builds that the run directory has."""
    kept = [{abi: (p.build, kept_program(run, abi, p)) for abi, p in other.programs.items()} for other in others]
    return replace(programs, others=kept)


def check_others(run: RunDir, others: Sequence[OtherBuild]) -> None:
    """Raises UsageError where a program is not the one that was measured: half a run by another is worth nothing."""
    for other in others:
        for abi, program in other.programs.items():
            path = kept_program(run, abi, program)
            if digest_of(f"--against {other.name}", path) != program.sha256:
                raise UsageError(
                    f"{path} is not the program that was measured as {other.name}",
                    f"put back the one with SHA-256 {program.sha256}, or start a new run",
                )
