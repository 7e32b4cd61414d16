"""Builds of --against: found or built, refused, told apart from ours, kept."""

from __future__ import annotations

import errno
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from harness.errors import InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.measure import other_builds
from harness.measure.other_builds import NothingToCompare, check_others, keep_others, with_others
from harness.measure.programs import Programs
from harness.model.other_build import OtherBuild
from harness.store.rundir import RunDir
from harness.toolchain.builder import Built
from tests.elf import program

pytestmark = pytest.mark.unit

PHONE, COMMIT = "arm64-v8a", "f" * 40
REVISION = OtherBuild(name="HEAD~1", kind="revision", source=COMMIT)


def built(path: Path, seed: int, machine: str = "EM_AARCH64") -> Built:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(program(seed=seed))
    path.chmod(0o755)
    info = {"machine": machine, "compiler": {"revision": "1"}, "flags": {}, "defines": {}}
    return Built(path, path, f"{seed:02x}" * 20, "zig", PHONE, 0.0, cached=True, info=info)


@pytest.fixture
def ours(tmp_path: Path) -> dict[str, Built]:
    return {PHONE: built(tmp_path / "build/arm64-v8a-zig/convbench", 1)}


@pytest.fixture
def revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is in a revision, and what is built of it: ``files``, ``build``."""
    world: dict[str, Any] = {
        "files": {"native/CMakeLists.txt": "", "native/bench/wire/protocol.h": "#define PROTOCOL_VERSION 2\n"},
        "build": lambda *_: built(tmp_path / "cache/convbench", 2),
    }

    def take_out(_root: Path, commit: str, _wanted: object, folder: Path) -> None:
        assert commit == COMMIT
        for name, text in world["files"].items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def build(*argv: Any) -> Built:
        world["tree"] = argv[-1]
        assert (argv[-1] / "native/CMakeLists.txt").is_file()
        found: Built = world["build"](*argv)
        return found

    monkeypatch.setattr(other_builds, "take_out", take_out)
    monkeypatch.setattr(other_builds, "build", build)
    monkeypatch.setattr(other_builds, "build_root", lambda: tmp_path / "build")
    return world


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """A run directory that has nothing yet."""
    found = RunDir(tmp_path / "run")
    found.path.mkdir()
    return found


def keep(run: RunDir, ours: dict[str, Built], *others: OtherBuild) -> list[OtherBuild]:
    return keep_others(run, others, ours, None, lambda _: None)


def test_a_revision_is_built_apart_and_its_sources_are_removed(
    run: RunDir, ours: dict[str, Built], revision: dict[str, Any], tmp_path: Path
) -> None:
    (found,) = keep(run, ours, REVISION)
    assert found.builds == ("02" * 6,)
    assert found.programs[PHONE].info["compiler"] == {"revision": "1"}
    assert not revision["tree"].exists()
    check_others(run, [found])
    (kept,) = with_others(Programs(ours, PHONE), run, [found]).others
    assert [path.name for path in (tmp_path / "run/programs").iterdir()] == ["arm64-v8a-020202020202"]
    assert kept == {PHONE: ("02" * 6, tmp_path / "run/programs/arm64-v8a-020202020202")}
    kept[PHONE][1].write_bytes(b"another")
    with pytest.raises(UsageError, match="is not the program that was measured as HEAD~1"):
        check_others(run, [found])


def test_the_same_program_is_nothing_to_compare(
    run: RunDir, ours: dict[str, Built], revision: dict[str, Any], tmp_path: Path
) -> None:
    revision["build"] = lambda *_: built(tmp_path / "cache/convbench", 1)
    with pytest.raises(NothingToCompare, match=r"HEAD~1 \(ffffffffffff\) is bit for bit the same program") as told:
        keep(run, ours, REVISION)
    assert told.value.exit_code == ExitCode.DONE and not list(run.path.iterdir())
    other = OtherBuild(name="old", kind="folder", source=str(built(tmp_path / "old/convbench", 3).path.parent))
    assert [found.name for found in keep(run, ours, REVISION, other, other)] == ["old"]  # named twice: once


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"README": ""}, "that revision has no native/CMakeLists.txt"),
        ({"native/CMakeLists.txt": ""}, "tells no version of the worker protocol, this checkout protocol 2"),
        (
            {"native/CMakeLists.txt": "", "native/bench/protocol.h": "#define PROTOCOL_VERSION 1\n"},
            "speaks worker protocol 1, this checkout protocol 2",
        ),
    ],
)
def test_revisions_that_cannot_take_part(
    run: RunDir, ours: dict[str, Built], revision: dict[str, Any], files: dict[str, str], words: str
) -> None:
    revision["files"] = files
    with pytest.raises(UsageError, match=words):
        keep(run, ours, REVISION)


def test_one_that_does_not_build(run: RunDir, ours: dict[str, Built], revision: dict[str, Any]) -> None:
    def fail(*_: object) -> Built:
        raise InfrastructureError("native build: compile failed (exit code 1)\n  | conv.c:1: error: x", "see the log")

    revision["build"] = fail
    with pytest.raises(InfrastructureError, match=r"HEAD~1 \(f+\) for arm64-v8a: native build.*\n.*error: x") as told:
        keep(run, ours, REVISION)
    assert told.value.exit_code == ExitCode.INFRASTRUCTURE
    assert not revision["tree"].exists()


def damaged(folder: Path, change: Callable[[Path], object]) -> OtherBuild:
    path = built(folder / "convbench", 4).path
    change(path)
    return OtherBuild(name=str(folder), kind="folder", source=str(folder))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.unlink(), "the folder holds no convbench for arm64-v8a"),
        (lambda path: path.chmod(0o644), "is not executable"),
        (lambda path: path.write_bytes(program(machine=62)), "wrong machine: EM_X86_64 where EM_AARCH64 is needed"),
        (lambda path: path.write_bytes(b"\x7fELF"), "not a whole ELF file"),
        (lambda path: path.write_text("#!/bin/sh\n"), "not a whole ELF file"),
        (lambda path: path.write_bytes(program(protocol=1)), "speaks worker protocol 1, this checkout protocol 2"),
    ],
    ids=["absent", "plain", "machine", "cut", "script", "protocol"],
)
def test_programs_that_cannot_take_part(
    run: RunDir, ours: dict[str, Built], tmp_path: Path, change: Callable[[Path], object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        keep(run, ours, damaged(tmp_path / "other", change))


@pytest.mark.parametrize(
    ("answer", "is_refused"),
    [("hello protocol=1", True), ("hello build=ab", False), ("hello protocol=2", False), ("", False)],
    ids=["older", "silent", "same", "nothing"],
)
def test_a_program_of_before_the_note_is_greeted_where_an_emulator_is(
    run: RunDir, ours: dict[str, Built], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, is_refused: bool
) -> None:
    emulator = tmp_path / "bin/qemu-aarch64"
    emulator.parent.mkdir()
    emulator.write_text(
        f"#!{sys.executable}\nimport socket, sys\nassert sys.argv[2] == 'worker'\n"
        f"s = socket.socket(fileno=3)\ns.recv(999)\nif {answer!r}: s.sendall(b'{answer}\\n')\n"
    )
    emulator.chmod(0o755)
    monkeypatch.setenv("PATH", str(emulator.parent))
    other = damaged(tmp_path / "other", lambda path: path.write_bytes(program(seed=4, protocol=None)))
    if not is_refused:
        assert keep(run, ours, other)
        return
    with pytest.raises(UsageError, match="speaks worker protocol 1, this checkout protocol 2"):
        keep(run, ours, other)


def test_a_build_directory_holds_a_program_for_each_kind_of_device(
    run: RunDir, ours: dict[str, Built], tmp_path: Path
) -> None:
    root = tmp_path / "elsewhere"
    built(root / "arm64-v8a-zig/convbench", 5)
    built(root / "convbench", 6).path.write_bytes(program(machine=62))
    (found,) = keep(run, ours, OtherBuild(name="elsewhere", kind="folder", source=str(root)))
    assert found.programs[PHONE].build == "05" * 6
    assert found.programs[PHONE].info == {}


def test_the_copy_is_what_is_told_of(
    run: RunDir, ours: dict[str, Built], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = built(tmp_path / "old/convbench", 7).path

    def copy_and_build_anew(path: Path, copy: Path) -> None:
        shutil.copyfile(path, copy)
        path.write_bytes(program(seed=8))

    monkeypatch.setattr(shutil, "copy2", copy_and_build_anew)
    (found,) = keep(run, ours, OtherBuild(name="old", kind="program", source=str(source)))
    assert found.programs[PHONE].build == "07" * 6
    check_others(run, [found])


def test_one_build_id_of_two_files(run: RunDir, ours: dict[str, Built], tmp_path: Path) -> None:
    other = built(tmp_path / "old/convbench", 1).path
    other.write_bytes(other.read_bytes() + b"changed")
    with pytest.raises(UsageError, match=r"has the build id of this checkout .*, and other bytes"):
        keep(run, ours, OtherBuild(name="old", kind="program", source=str(other)))
    assert not list(run.path.iterdir())


def test_a_full_disk_leaves_an_empty_run_directory(
    run: RunDir, ours: dict[str, Built], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path, copy: Path) -> None:
        copy.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", fail)
    other = built(tmp_path / "old/convbench", 3).path
    with pytest.raises(InfrastructureError, match="No space left on device"):
        keep(run, ours, OtherBuild(name="old", kind="program", source=str(other)))
    assert not list(run.path.iterdir())


def test_a_revision_is_kept_before_the_next_is_built(
    run: RunDir, ours: dict[str, Built], revision: dict[str, Any], tmp_path: Path
) -> None:
    seeds = iter([2, 3])

    def build_and_prune(*_: object) -> Built:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        return built(tmp_path / "cache/convbench", next(seeds))

    revision["build"] = build_and_prune
    found = keep(run, ours, REVISION, REVISION.model_copy(update={"name": "HEAD~2"}))
    assert [each.builds for each in found] == [("02" * 6,), ("03" * 6,)]
    check_others(run, found)


def test_it_says_that_it_waits_for_another_build(
    run: RunDir, ours: dict[str, Built], revision: dict[str, Any], tmp_path: Path
) -> None:
    held = FileLock(tmp_path / "build/.revisions.lock")
    held.acquire()
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        held.release()

    keep_others(run, [REVISION], ours, None, say)
    assert said == ["waiting for another build to end"]
