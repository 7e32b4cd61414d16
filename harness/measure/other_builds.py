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

from harness.digest import sha256_of_part
from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.measure.greeting import check_protocol, greet, greet_emulated, protocol_in
from harness.measure.programs import Programs
from harness.model.other_build import OtherBuild, OtherProgram
from harness.paths import build_root, data_root
from harness.store.rundir import RunDir
from harness.toolchain import elf, executable
from harness.toolchain.builder import Built, build
from harness.toolchain.cache import PROGRAM, RECORD, lock
from harness.toolchain.git import take_out
from harness.toolchain.toolchain import HOST

REVISION = "revision-"  # how folders of a revision's sources begin, in the build folder
_SOURCES = ("native", "ndk")


class NothingToCompare(HarnessError):
    """All the builds are bit for bit the program that they were to be measured against: no fault, and nothing to do."""

    exit_code = ExitCode.DONE


_Programs = Mapping[str, OtherProgram]  # by ABI


@dataclass(frozen=True)
class _Search:
    """What each of the builds is looked for with."""

    run: RunDir
    ours: Mapping[str, Built]
    ndk: Path | None
    say: Callable[[str], None]


def keep_others(
    run: RunDir,
    others: Sequence[OtherBuild],
    ours: Mapping[str, Built],
    ndk: Path | None,
    say: Callable[[str], None],
) -> list[OtherBuild]:
    """Builds or finds a program of each build for every ABI of ``ours``, and keeps a copy in the run directory.

    Those that are the same program are left out. Raises UsageError where one cannot take part, InfrastructureError
    where one does not build or cannot be kept, NothingToCompare where all are the same program as ours; nothing is kept
    then.
    """
    try:
        return _keep_others(_Search(run, ours, ndk, say), others)
    except BaseException:
        shutil.rmtree(_kept(run), ignore_errors=True)
        raise


def _keep_others(search: _Search, others: Sequence[OtherBuild]) -> list[OtherBuild]:
    found: list[OtherBuild] = []
    known: dict[str, _Programs] = {}
    if others:
        known["this checkout"] = {
            abi: OtherProgram(build_id=built.build_id, sha256=sha256_of_part("this checkout", built.path))
            for abi, built in search.ours.items()
        }
    alike = []
    for other in others:
        one = _found(other, search)
        if (same := _same_as(other, one.programs, known)) is not None:
            alike.append(f"{other.title} is bit for bit the same program as {same}")
            search.say(f"--against {alike[-1]} ({next(iter(one.programs.values())).build})")
            continue
        for abi, program in one.programs.items():
            _copy_of(search.run, abi).rename(kept_program(search.run, abi, program))
        known[f"--against {other.name}"] = one.programs
        found.append(one)
    for abi in search.ours if others else ():
        _copy_of(search.run, abi).unlink(missing_ok=True)
    if others and not found:
        raise NothingToCompare(f"nothing to compare: {'; '.join(alike)}", "nothing was measured")
    return found


def _same_as(other: OtherBuild, programs: _Programs, known: Mapping[str, _Programs]) -> str | None:
    """Which known build it is. Raises UsageError where it is one for some devices alone, or cannot be told from one."""
    for name, theirs in known.items():
        same = [abi for abi, program in programs.items() if program.sha256 == theirs[abi].sha256]
        if len(same) == len(programs):
            return name
        alike = [abi for abi in programs if abi not in same and programs[abi].build == theirs[abi].build]
        if alike:
            raise UsageError(
                f"--against {other.name}: for {', '.join(alike)} it has the build id of {name} "
                f"({programs[alike[0]].build}), and other bytes: records could not tell them apart",
                "name a build as it was linked, not stripped or changed since",
            )
        if same:
            raise UsageError(
                f"--against {other.name}: for {', '.join(same)} it is the program of {name}, for the others it is not",
                "measure one kind of device at a time: --device",
            )
    return None


def _found(other: OtherBuild, search: _Search) -> OtherBuild:
    """With its programs, as their copies are: what lies where they came from may change at any time."""
    what = f"--against {other.name}"
    if other.kind == "revision":
        return other.model_copy(update={"programs": _of_revision(other, search)})
    programs = {}
    for abi, mine in search.ours.items():
        source = _program(other, what, abi, mine)
        programs[abi] = _read(what, source, _copied(search.run, source, abi, what), abi, mine)
    return other.model_copy(update={"programs": programs})


def _of_revision(other: OtherBuild, search: _Search) -> dict[str, OtherProgram]:
    what = f"--against {other.title}"
    with _sources_of(other.source, search.say) as tree:
        if not (tree / "native" / "CMakeLists.txt").is_file():
            raise UsageError(f"{what}: that revision has no native/CMakeLists.txt", "name a later one")
        check_protocol(what, protocol_in(tree), protocol_in(data_root()))
        programs = {}
        for abi, mine in search.ours.items():
            ndk = search.ndk if mine.toolchain == "ndk" else None
            try:
                built = build(abi, mine.toolchain, ndk, search.say, tree)
            except InfrastructureError as error:
                raise InfrastructureError(f"{what} for {abi}: {error.message}", error.remedy) from error
            # At once: later builds may drive it out of the cache.
            copy = _copied(search.run, built.path, abi, what)
            info = _info(built.info, built.toolchain)
            programs[abi] = OtherProgram(build_id=built.build_id, sha256=sha256_of_part(what, copy), info=info)
        return programs


@contextmanager
def _sources_of(commit: str, say: Callable[[str], None]) -> Iterator[Path]:
    """Its sources in a folder of their own within the block; always the same one, since debug information names it."""
    root = build_root()
    folder = root / f"{REVISION}{commit}"
    with lock(root, say, ".revisions.lock"):
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


def _copied(run: RunDir, source: Path, abi: str, what: str) -> Path:
    """A copy of a program in the run directory, not named yet. Raises UsageError, InfrastructureError."""
    if not source.is_file():
        raise UsageError(f"{what}: {source} is no file", "name a convbench program")
    if not os.access(source, os.X_OK):
        raise UsageError(f"{what}: {source} is not executable", f"chmod +x {source}")
    copy = _copy_of(run, abi)
    try:
        copy.parent.mkdir(exist_ok=True)
        copy.unlink(missing_ok=True)  # one that was left out may be read-only
        shutil.copy2(source, copy)
    except OSError as error:
        where = error.filename or copy
        raise InfrastructureError(f"{what}: {where}: {error.strerror or error}", "make room on the disk") from error
    return copy


def _read(what: str, source: Path, copy: Path, abi: str, ours: Built) -> OtherProgram:
    try:
        checked = executable.check(copy, machine=str(ours.info.get("machine", "")), android=abi != HOST)
    except InfrastructureError as error:
        told = error.message.replace(str(copy), str(source))
        raise UsageError(f"{what}: {told}", f"name a convbench that is built for {abi}") from None
    _check_protocol(what, copy, abi, checked)
    return OtherProgram(
        build_id=checked.build_id, sha256=sha256_of_part(what, copy), info=_beside(source, checked.build_id)
    )


def _check_protocol(what: str, copy: Path, abi: str, info: elf.ElfInfo) -> None:
    """Raises UsageError where it is another one than ours, as far as this machine can tell.

    Builds of before the note are greeted, those for phones in an emulator where there is one.
    """
    ours = protocol_in(data_root())
    if abi == HOST:
        greet(what, copy, ours)
    elif info.protocol:
        check_protocol(what, info.protocol, ours)
    else:
        greet_emulated(what, copy, info.machine, ours)


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


def kept_program(run: RunDir, abi: str, program: OtherProgram) -> Path:
    """Where a run directory has it."""
    return _kept(run) / f"{abi}-{program.build}"


def _kept(run: RunDir) -> Path:
    return run.path / "programs"


def _copy_of(run: RunDir, abi: str) -> Path:
    """Of a program that may not be kept yet."""
    return _kept(run) / f".new-{abi}"


def with_others(programs: Programs, run: RunDir, others: Sequence[OtherBuild]) -> Programs:
    """With the programs of other builds that the run directory has."""
    kept = [{abi: (p.build, kept_program(run, abi, p)) for abi, p in other.programs.items()} for other in others]
    return replace(programs, others=kept)


def check_others(run: RunDir, others: Sequence[OtherBuild]) -> None:
    """Raises UsageError where a program is not the one that was measured: half a run by another is worth nothing."""
    for other in others:
        for abi, program in other.programs.items():
            path = kept_program(run, abi, program)
            if sha256_of_part(f"--against {other.name}", path) != program.sha256:
                raise UsageError(
                    f"{path} is not the program that was measured as {other.name}",
                    f"put back the one with SHA-256 {program.sha256}, or start a new run",
                )
