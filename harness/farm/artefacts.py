"""What jobs left behind, as a service hands it over: folders, zip files and bundles with run directories in them.

None of it is trusted. Of a run directory only the files that a report is made of are taken, by their names.
"""

from __future__ import annotations

import json
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.bundle import entries, layout
from harness.bundle.opening import opened
from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.store.rundir import DEVICE_FILE

_DEEPEST = 12  # folders between a job's and its run directory
_MANIFEST = "manifest.json"
_MOST_RUNS = 64  # in one zip file
_LEAST_RATED = 32 << 20  # bytes, unpacked: services pack long files of lines that are alike a hundred times smaller
# Of a run directory: see docs/formats.md.
_WANTED = re.compile(rf"manifest\.json|plan\.jsonl|devices/[a-z0-9][a-z0-9-]{{0,99}}/{DEVICE_FILE}")
_DEVICES = re.compile(r"(?:^|(?<=/))devices/")
Refusal = Callable[[str], HarnessError]
_REMEDY = "get it again from the service; do not trust what it holds"


@dataclass(frozen=True)
class Found:
    """A run directory that can be read, and the artefact that it is from, as it is shown."""

    artefact: str
    path: Path


@dataclass(frozen=True)
class Artefacts:
    """``entries``: how many artefacts there are; ``empty``: those without a run directory, each with what was found
    instead; ``remarks``: what was passed over.
    """

    runs: tuple[Found, ...]
    entries: int
    empty: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def find(folder: Path, scratch: Path, stack: ExitStack) -> Artefacts:
    """The runs in a folder of artefacts: one artefact for each entry, a folder, a zip file or a bundle.

    ``scratch``: where zip files are unpacked; ``stack`` holds bundles open. Other files are passed over. Raises
    UsageError for what leads out of its folder, links, bombs, and a folder that is a run directory itself;
    InfrastructureError where there is nothing at all.
    """
    try:
        found = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror or error}", "name a folder of artefacts") from error
    if (folder / _MANIFEST).exists():
        raise UsageError(f"{folder} is one run directory, not many jobs' artefacts", "name the folder above it")
    if not found:
        raise InfrastructureError(f"no artefact arrived in {folder}: it is empty", "see the jobs' own logs")
    runs: list[Found] = []
    empty: list[str] = []
    remarks: list[str] = []
    entries = 0
    for entry in found:
        if entry.is_symlink():
            raise UsageError(f"{entry} is a link", "put what it leads to in its place")
        if not entry.is_dir() and not _is_zip(entry):
            continue
        entries += 1
        broken: list[str] = []
        here = list(_runs_of(entry, folder, scratch, stack, broken, remarks))
        runs += here
        nothing = f"{entry.name}: no run directory in it: the job ended before it measured anything"
        empty += broken or ([] if here else [nothing])
    if not runs and not empty:
        raise UsageError(f"{folder} has neither folders nor zip files", "name the folder that the artefacts are in")
    return Artefacts(tuple(runs), entries, tuple(empty), tuple(remarks))


def _is_zip(file: Path) -> bool:
    """Whether it is one, or is called so: one that is cut short is not passed over."""
    return file.is_file() and (file.suffix == ".zip" or zipfile.is_zipfile(file))


def _runs_of(
    entry: Path, folder: Path, scratch: Path, stack: ExitStack, broken: list[str], remarks: list[str]
) -> Iterator[Found]:
    """``broken`` gets what is wrong with zip files that are none, ``remarks`` what was not looked into."""
    if not entry.is_dir():
        yield from _of_zip(entry, entry.name, scratch, stack, broken)
        return
    deep: list[str] = []
    for at, folders, files in os.walk(entry, onerror=_unreadable):
        here = Path(at)
        name = str(here.relative_to(folder))
        if len(here.relative_to(entry).parts) > _DEEPEST:
            deep.append(name)
            folders.clear()
            continue
        if _MANIFEST in files and _is_run(here):
            _refuse_links(here, name)
            yield Found(name, here)
            folders.clear()
            continue
        folders[:] = sorted(each for each in folders if not (here / each).is_symlink())
        for each in sorted(files):
            file = here / each
            if file.suffix == ".zip" and not file.is_symlink() and file.is_file():
                yield from _of_zip(file, f"{name}/{each}", scratch, stack, broken)
    if deep:
        remarks.append(f"{entry.name}: not looked into, for it is more than {_DEEPEST} folders deep: {deep[0]}")


def _unreadable(error: OSError) -> None:
    raise UsageError(f"{error.filename}: {error.strerror or error}", "mend its permissions") from error


def _is_run(folder: Path) -> bool:
    """Whether that is one of ours; a manifest that was cut still counts where the plan stands beside it."""
    if (folder / "plan.jsonl").exists() or (folder / "devices").is_dir():
        return True
    if not (folder / _MANIFEST).is_file():
        return False
    try:
        value = json.loads((folder / _MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and {"schema", "run", "suite"} <= value.keys()


def _refuse_links(run: Path, name: str) -> None:
    """A file of it that is a link would be read from anywhere."""
    for at, folders, files in os.walk(run, onerror=_unreadable):
        for each in (*folders, *files):
            path = Path(at) / each
            inside = path.relative_to(run).as_posix()
            is_ours = each in ("devices", "plans") or inside.startswith("devices/") or _WANTED.fullmatch(inside)
            if is_ours and path.is_symlink():
                raise UsageError(f"{name}: {inside} is a link", _REMEDY)
            if is_ours and not (path.is_dir() or path.is_file()):
                raise UsageError(f"{name}: {inside} is no plain file", _REMEDY)


def _of_zip(file: Path, name: str, scratch: Path, stack: ExitStack, broken: list[str]) -> Iterator[Found]:
    if not zipfile.is_zipfile(file):
        broken.append(f"{name}: it is no zip file, or is cut short")
        return

    def refused(why: str) -> UsageError:
        return UsageError(f"{name}: {why}", _REMEDY)

    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            if {layout.ABOUT, layout.SUMS} <= {info.orig_filename for info in infos}:
                yield Found(name, stack.enter_context(opened(file)).path)
                return
            roots = _checked(infos, refused)
            for number, root in enumerate(roots):
                to = scratch / f"{len(list(scratch.iterdir()))}-{number}"
                to.mkdir()
                for info in infos:
                    inside = info.orig_filename.removeprefix(root)
                    if info.orig_filename.startswith(root) and _WANTED.fullmatch(inside):
                        _unpack(archive, info, to / inside, refused)
                yield Found(f"{name}/{root}".rstrip("/"), to)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise refused(f"it is damaged: {error}") from error


def _checked(infos: list[zipfile.ZipInfo], refused: Refusal) -> list[str]:
    """Where in a zip file run directories lie: what their names begin with."""
    if len(infos) > layout.MOST_FILES:
        raise refused(f"it has {len(infos)} entries, the most is {layout.MOST_FILES}")
    for info in infos:
        if problem := layout.leading_out(info.orig_filename):
            raise refused(f"{info.orig_filename[: layout.LONGEST_NAME]!r}: {problem}")
    roots = _roots({info.orig_filename for info in infos})
    if len(roots) > _MOST_RUNS:
        raise refused(f"it has {len(roots)} run directories, the most is {_MOST_RUNS}")
    wanted = [
        info
        for info in infos
        for root in roots
        if info.orig_filename.startswith(root) and _WANTED.fullmatch(info.orig_filename[len(root) :])
    ]
    for info in wanted:
        problem = layout.path_problem(info.orig_filename)
        if (
            problem := problem
            or entries.kind_problem(info, stat.S_IFREG, 0)
            or entries.size_problem(info, _LEAST_RATED)
        ):
            raise refused(f"{info.orig_filename[: layout.LONGEST_NAME]}: {problem}")
    if problem := entries.set_problem(wanted):
        raise refused(problem)
    return roots


def _roots(names: set[str]) -> list[str]:
    """The folders (with a slash behind) that have a manifest, and a plan or devices."""
    names = {name for name in names if len(name) <= layout.LONGEST_NAME}
    with_devices = {name[: found.start()] for name in names for found in _DEVICES.finditer(name)}
    folders = [name.removesuffix(_MANIFEST) for name in sorted(names) if PurePosixPath(name).name == _MANIFEST]
    return [root for root in folders if f"{root}plan.jsonl" in names or root in with_devices]


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, to: Path, refused: Refusal) -> None:
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("xb") as out:
            out.writelines(entries.pieces(archive, info, refused))
    except OSError as error:
        raise InfrastructureError(
            f"{to.name} cannot be unpacked: {error.strerror or error}", "make room, or set TMPDIR to another folder"
        ) from error
