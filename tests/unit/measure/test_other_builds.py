"""Builds of --against: found or built, refused, told apart from ours, kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.measure import other_builds
from harness.measure.other_builds import NothingToCompare, check_others, find_others, keep_others, with_others
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


def find(ours: dict[str, Built], *others: OtherBuild) -> list[other_builds.Found]:
    return find_others(others, ours, None, lambda _: None)


def test_a_revision_is_built_apart_and_its_sources_are_removed(
    ours: dict[str, Built], revision: dict[str, Any], tmp_path: Path
) -> None:
    (found,) = find(ours, REVISION)
    assert found.build.builds == ("02" * 6,)
    assert found.build.programs[PHONE].info["compiler"] == {"revision": "1"}
    assert not revision["tree"].exists()
    run = RunDir(tmp_path / "run")
    run.path.mkdir()
    keep_others(run, [found])
    check_others(run, [found.build])
    (kept,) = with_others(Programs(ours, PHONE), run, [found.build]).others
    assert kept == {PHONE: ("02" * 6, tmp_path / "run/programs/arm64-v8a-020202020202")}
    kept[PHONE][1].write_bytes(b"another")
    with pytest.raises(UsageError, match="is not the program that was measured as HEAD~1"):
        check_others(run, [found.build])


def test_the_same_program_is_nothing_to_compare(
    ours: dict[str, Built], revision: dict[str, Any], tmp_path: Path
) -> None:
    revision["build"] = lambda *_: built(tmp_path / "cache/convbench", 1)
    with pytest.raises(NothingToCompare, match=r"HEAD~1 \(ffffffffffff\) is bit for bit the same program") as told:
        find(ours, REVISION)
    assert told.value.exit_code == ExitCode.DONE
    other = OtherBuild(name="old", kind="folder", source=str(built(tmp_path / "old/convbench", 3).path.parent))
    assert [found.build.name for found in find(ours, REVISION, other, other)] == ["old"]  # named twice: once


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
    ours: dict[str, Built], revision: dict[str, Any], files: dict[str, str], words: str
) -> None:
    revision["files"] = files
    with pytest.raises(UsageError, match=words):
        find(ours, REVISION)


def test_one_that_does_not_build(ours: dict[str, Built], revision: dict[str, Any]) -> None:
    def fail(*_: object) -> Built:
        raise InfrastructureError("native build: compile failed (exit code 1)\n  | conv.c:1: error: x", "see the log")

    revision["build"] = fail
    with pytest.raises(InfrastructureError, match=r"HEAD~1 \(f+\) for arm64-v8a: native build.*\n.*error: x") as told:
        find(ours, REVISION)
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
    ],
    ids=["absent", "plain", "machine", "cut", "script"],
)
def test_programs_that_cannot_take_part(
    ours: dict[str, Built], tmp_path: Path, change: Callable[[Path], object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        find(ours, damaged(tmp_path / "other", change))


def test_a_build_directory_holds_a_program_for_each_kind_of_device(ours: dict[str, Built], tmp_path: Path) -> None:
    root = tmp_path / "elsewhere"
    built(root / "arm64-v8a-zig/convbench", 5)
    built(root / "convbench", 6).path.write_bytes(program(machine=62))
    (found,) = find(ours, OtherBuild(name="elsewhere", kind="folder", source=str(root)))
    assert found.paths[PHONE] == root / "arm64-v8a-zig/convbench"
    assert found.build.programs[PHONE].info == {}
