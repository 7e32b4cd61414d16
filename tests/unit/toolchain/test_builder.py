"""The builder and its cache with a stand-in for the compiler."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from harness.errors import InfrastructureError
from harness.toolchain import builder, cache, cmake, elf, libc
from harness.toolchain.builder import Built, build
from tests.elf import program

pytestmark = pytest.mark.unit


class World:
    """A checkout and a build folder in a temporary place, and what the compiler would make."""

    def __init__(self, root: Path) -> None:
        self.data, self.root = root / "checkout", root / "build"
        self.made = program()
        self.compiled = 0
        self.said: list[str] = []
        self.warmed: list[int] = []  # builds before each filling of zig's cache
        real = Path(__file__).resolve().parents[3]
        (self.data / "native/src").mkdir(parents=True)
        (self.data / "native/tests").mkdir()
        (self.data / "native/CMakeLists.txt").write_text("project(x)\n")
        (self.data / "native/src/conv.c").write_text("int x;\n")
        shutil.copytree(real / "ndk", self.data / "ndk")

    def compile(self, _source: Path, folder: Path, _defines: object, _log: Path) -> None:
        self.compiled += 1
        (folder / "bench").mkdir(parents=True)
        (folder / "bench/convbench").write_bytes(self.made)
        (folder / "bench/convbench").chmod(0o755)
        (folder / "libindirectconv.a").write_bytes(b"!<arch>\n")

    def build(self) -> Built:
        return build("arm64-v8a", "zig", say=self.said.append)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    for module in (builder, cmake):
        monkeypatch.setattr(module, "build_root", lambda: made.root)
    monkeypatch.setattr(builder, "data_root", lambda: made.data)
    monkeypatch.setattr(cmake, "build", made.compile)
    monkeypatch.setattr(libc, "warm", lambda _chosen, _folder: made.warmed.append(made.compiled))
    return made


def test_built_once_then_cached(world: World) -> None:
    first, second = world.build(), world.build()
    assert (world.compiled, first.cached, second.cached) == (1, False, True)
    assert first.path == second.path == world.root / "arm64-v8a-zig/convbench"
    assert first.library.parent == first.path.parent and first.library.is_file()
    assert first.build_id == second.build_id == "00" * 20
    assert first.path.stat().st_mode & 0o111
    assert (first.path.parent / "build.json").is_file()
    assert first.info == second.info and first.info["alignment"] == 16384
    assert not list(world.root.glob("make-*"))
    assert not list(first.path.parent.glob(".*"))


def test_the_c_library_is_made_before_the_first_build_only(world: World) -> None:
    world.build()
    (world.data / "native/src/conv.c").write_text("int y;\n")
    world.build()
    assert (world.warmed, world.compiled) == ([0], 2)


def test_the_first_build_is_said_in_one_line(world: World) -> None:
    world.build()
    (world.data / "native/src/conv.c").write_text("int y;\n")
    world.build()
    world.build()
    assert world.said == [
        "building for arm64-v8a with zig (first time: about 35 s)",
        "building for arm64-v8a with zig",
    ]


@pytest.mark.parametrize(
    ("change", "rebuilt"),
    [
        (lambda data: (data / "native/src/conv.c").write_text("int y;\n"), True),
        (lambda data: (data / "native/src/conv.c").rename(data / "native/src/other.c"), True),
        (lambda data: (data / "native/src/new.h").write_text(""), True),
        (lambda data: (data / "ndk/zig-arm64.cmake").write_text("# other flags\n"), True),
        (lambda data: (data / "native/tests/test.c").write_text("int t;\n"), False),
        (lambda data: (data / "native/README.md").write_text("words\n"), False),
    ],
)
def test_what_makes_it_build_again(world: World, change: Callable[[Path], object], rebuilt: bool) -> None:
    world.build()
    change(world.data)
    assert world.build().cached is not rebuilt


def test_back_to_old_sources_is_a_hit_and_republished(world: World) -> None:
    world.build()
    source = world.data / "native/src/conv.c"
    source.write_text("int y;\n")
    world.made = program(seed=1)
    assert world.build().build_id == "01" * 20
    source.write_text("int x;\n")
    again = world.build()
    assert again.cached and again.build_id == "00" * 20
    assert elf.check(again.path, machine="EM_AARCH64", android=True).build_id == "00" * 20


def test_damage_is_repaired(world: World) -> None:
    built = world.build()
    built.path.write_bytes(b"damaged")
    assert world.build().path.read_bytes() == world.made
    next((world.root / "cache").glob("*/convbench")).write_bytes(b"damaged")
    assert not world.build().cached
    assert world.compiled == 2


def test_a_program_that_is_not_fit_is_not_published(world: World) -> None:
    world.made = program(machine=62)
    with pytest.raises(InfrastructureError, match="wrong machine"):
        world.build()
    assert not (world.root / "arm64-v8a-zig").exists()
    assert not list((world.root / "cache").glob("*/convbench"))


def test_a_build_that_makes_no_program(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cmake, "build", lambda _source, folder, _defines, _log: folder.mkdir())
    with pytest.raises(InfrastructureError, match="made no convbench"):
        world.build()


def test_a_build_folder_that_cannot_be_written(world: World) -> None:
    world.root.write_text("a file where the folder should be")
    with pytest.raises(InfrastructureError, match="build folder"):
        world.build()


def test_a_second_process_waits_and_says_so(world: World) -> None:
    world.root.mkdir()
    taken = threading.Event()

    def other_process() -> None:
        with FileLock(world.root / ".lock"):
            taken.set()
            time.sleep(0.6)

    threading.Thread(target=other_process).start()
    assert taken.wait(10)
    world.build()
    assert world.said[0] == "waiting for another build to end"
    assert world.compiled == 1


def test_old_builds_are_dropped(tmp_path: Path) -> None:
    for index in range(20):
        (tmp_path / f"{index:02}").mkdir()
    cache.prune(tmp_path)
    assert len(list(tmp_path.iterdir())) == 12


def test_a_failing_compiler_shows_its_last_lines_and_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = tmp_path / "cmake"
    failing.write_text("#!/bin/sh\nseq 1 100\necho the reason >&2\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setattr(cmake, "programs", lambda: (failing, failing))
    log = tmp_path / "logs/x.log"
    with pytest.raises(InfrastructureError) as caught:
        cmake.build(tmp_path, tmp_path / "out", {}, log)
    assert "configure failed (exit code 3)" in caught.value.message
    assert "the reason" in caught.value.message and "| 50" not in caught.value.message
    assert str(log) in caught.value.remedy and "\n50\n" in log.read_text()


def test_flags_of_the_user_do_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CFLAGS", "LDFLAGS", "CC", "CMAKE_GENERATOR", "CMAKE_TOOLCHAIN_FILE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("KEPT", "x")
    environment = cmake.environment()
    assert environment["KEPT"] == "x"
    assert not {"CFLAGS", "LDFLAGS", "CC", "CMAKE_GENERATOR", "CMAKE_TOOLCHAIN_FILE"} & set(environment)


def test_what_was_checked_when_it_was_built_is_not_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.build()
    monkeypatch.setattr(elf, "check", lambda *_, **__: pytest.fail("read again"))
    again = world.build()
    assert (again.cached, again.build_id) == (True, first.build_id)
