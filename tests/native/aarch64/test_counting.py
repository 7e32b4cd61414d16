"""The emulator's plugins count exactly what a program executes, and what simulated caches let through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.aarch64.cores import Cache, Core
from benchmarks.aarch64.plugins import HERE as PLUGINS
from benchmarks.aarch64.plugins import Plugin, compile_with_zig
from benchmarks.aarch64.tools import plugin_qemu
from harness.errors import InfrastructureError

pytestmark = pytest.mark.native

HERE = Path(__file__).parent
ONCE = {"integer": 1}
AGAIN = {
    "fma": 5,
    "vector_load": 7,
    "load": 5,
    "store": 5,
    "prefetch": 3,
    "vector": 6,
    "branch": 2,
    "integer": 5,
}
SMALL = Core("small", "cortex-a53", Cache(4096, 4), Cache(16384, 8), "none")
LARGE = Core("large", "cortex-a53", Cache(65536, 4), Cache(1 << 20, 8), "none")
FLOWS = ("l1_loads", "l1_stores", "l1_written", "l2_loads", "l2_stores", "l2_written", "unseen")
STREAMS = {
    "sequential": {},
    "cyclic": {"l1_loads": 3 * 80},
    "one_set": {"l1_loads": 3 * 9, "l2_loads": 3 * 9},
    "written": {"l1_stores": 512, "l1_written": 512, "l2_stores": 512, "l2_written": 512},
    "unaligned": {"l1_loads": 129},
    "recent": {"l1_loads": 3 * 4},
    "zeroed": {"unseen": 1},
}


@pytest.fixture(scope="session")
def qemu(cannot_run: Callable[[str], None]) -> str:
    try:
        return plugin_qemu()[0]
    except InfrastructureError as error:
        cannot_run(str(error))
        raise


def assembled(folder: Path, name: str) -> str:
    program = folder / name
    arguments = ["-target", "aarch64-linux-musl", "-nostdlib", "-static", f"-I{PLUGINS}", "-o", str(program)]
    compile_with_zig([*arguments, str(HERE / f"{name}.S")])
    return str(program)


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plugin, str]:
    folder = tmp_path_factory.mktemp("streams")
    return Plugin(folder, "cache_lines", [SMALL.argument, LARGE.argument]), assembled(folder, "streams")


def test_every_class_is_counted_exactly(qemu: str, tmp_path: Path) -> None:
    plugin = Plugin(tmp_path / "plugin", "insn_count")
    done = plugin.execute([qemu], [assembled(tmp_path, "counted")])
    assert done.returncode == 0, done.stderr
    assert plugin.counts() == {name: [100 * number + ONCE.get(name, 0)] for name, number in AGAIN.items()}


@pytest.mark.parametrize("stream", STREAMS)
def test_known_streams_miss_as_often_as_they_must(qemu: str, streams: tuple[Plugin, str], stream: str) -> None:
    """In a second run; caches that hold the whole stream let nothing through beside them."""
    plugin, program = streams
    done = plugin.execute([qemu], [program, stream])
    assert done.returncode == 0, done.stderr
    wanted = {name: [STREAMS[stream].get(name, 0), 0] for name in FLOWS}
    wanted["unseen"] = 2 * wanted["unseen"][:1]
    assert plugin.counts() == wanted


@pytest.mark.parametrize("core", ["", "4096:3:16384:8:64", "4096:4:16384:8:48", "4096:4:16384:8", "4096:4:x:8:64"])
def test_what_is_no_cache_is_refused(qemu: str, streams: tuple[Plugin, str], tmp_path: Path, core: str) -> None:
    plugin = Plugin(tmp_path, "cache_lines", [f"core={core}"])
    done = plugin.execute([qemu], [streams[1], "sequential"])
    assert done.returncode != 0
    assert f"core={core}: wants L1_BYTES" in done.stderr


def test_a_program_without_marks_is_not_counted(qemu: str, tmp_path: Path) -> None:
    source = tmp_path / "unmarked.S"
    source.write_text("    .global _start\n_start:\n    mov x0, 0\n    mov x8, 93\n    svc 0\n")
    compile_with_zig(
        ["-target", "aarch64-linux-musl", "-nostdlib", "-static", "-o", str(tmp_path / "unmarked"), str(source)]
    )
    plugin = Plugin(tmp_path / "plugin", "insn_count")
    assert plugin.execute([qemu], [str(tmp_path / "unmarked")]).returncode == 0
    with pytest.raises(InfrastructureError, match="nothing was counted"):
        plugin.counts()
