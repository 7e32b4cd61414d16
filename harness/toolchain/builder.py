"""Builds convbench and the library for an ABI, or takes them from the cache."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError
from harness.model.abi import DEFAULT_ABI
from harness.paths import build_root, check_build_folder, data_root
from harness.toolchain import cache, cmake, executable, flags, libc, ready
from harness.toolchain.toolchain import Toolchain, choose


@dataclass(frozen=True)
class Built:
    """A build, ready to run or to push. ``seconds`` is what this call took; ``build_id``: 40 hex digits (macOS: 32)."""

    path: Path
    library: Path
    build_id: str
    toolchain: str
    abi: str
    seconds: float
    cached: bool
    info: dict[str, Any] = field(default_factory=dict)


def _silent(_line: str) -> None:
    pass


def build(
    abi: str = DEFAULT_ABI,
    toolchain: str = "auto",
    ndk: Path | None = None,
    say: Callable[[str], None] = _silent,
    tree: Path | None = None,
) -> Built:
    """Builds convbench for ``abi`` (one of PHONE_ABIS, or "host") and publishes it under build/.

    ``say`` gets a line at a time for the user. ``tree``: other sources than this tool's own, with folders native/ and
    ndk/ as here; what is built of them stays in the cache, and is published nowhere. Where a build was brought along
    (harness.toolchain.ready) it is taken, and nothing is compiled. Raises UsageError for
    combinations that do not fit or an NDK that is none, InfrastructureError where the compiler fails or its result is
    not fit to be pushed.
    """
    started = time.monotonic()
    if tree is None and ndk is None and (made := ready.find(abi, toolchain)) is not None:
        return _built(made.folder, made.record, started, cached=True)
    check_build_folder()
    chosen = choose(abi, toolchain, ndk, say)
    try:
        return _build(chosen if tree is None else _in_tree(chosen, tree), say, started, tree)
    except OSError as error:
        raise InfrastructureError(
            f"build folder {build_root()}: {error.filename or ''}: {error.strerror or error}",
            "make room or make the folder writable",
        ) from None


def _in_tree(chosen: Toolchain, tree: Path) -> Toolchain:
    """The same with the tree's own toolchain file, whose flags are a part of what is compared."""
    file = Path(chosen.defines.get("CMAKE_TOOLCHAIN_FILE", ""))
    if not file.is_relative_to(data_root()):
        return chosen  # an NDK's
    return replace(chosen, defines=chosen.defines | {"CMAKE_TOOLCHAIN_FILE": str(tree / file.relative_to(data_root()))})


def _build(chosen: Toolchain, say: Callable[[str], None], started: float, tree: Path | None) -> Built:
    root, sources = build_root(), tree or data_root()
    native = sources / "native"
    parts = {
        "sources": cache.sources_hash([native, sources / "ndk"]),
        "defines": {k: v for k, v in chosen.defines.items() if k not in ("CMAKE_TOOLCHAIN_FILE", "IC_ZIG")},
        "identity": chosen.identity,
        "abi": chosen.abi,
    }
    name = cache.key(parts)
    with cache.lock(root, say):
        record = cache.look_up(root, name)
        cached = record is not None
        if record is None:
            say(_announcement(chosen, root))
            record = _compile(chosen, native, root, name, parts, started)
        folder = root / "cache" / name if tree else cache.publish(root, name, chosen.folder)
    # What is published has the hash of the file that was checked when it was built.
    return _built(folder, record, started, cached=cached)


def _built(folder: Path, record: dict[str, Any], started: float, *, cached: bool) -> Built:
    return Built(
        path=folder / cache.PROGRAM,
        library=folder / cache.LIBRARY,
        build_id=record["build_id"],
        toolchain=record["toolchain"],
        abi=record["abi"],
        seconds=time.monotonic() - started,
        cached=cached,
        info=record,
    )


def _compile(
    chosen: Toolchain, native: Path, root: Path, name: str, parts: dict[str, Any], started: float
) -> dict[str, Any]:
    folder = root / f"make-{name}"  # not a random name: it ends up in debug information, and so in the build id
    shutil.rmtree(folder, ignore_errors=True)
    try:
        if not _warm_marker(chosen, root).exists():
            libc.warm(chosen, folder / "libc")
        cmake.build(native, folder, chosen.defines, root / "logs" / f"{chosen.folder}.log")
        made = _gather(folder)
        checked = executable.check(made / cache.PROGRAM, machine=chosen.machine, android=chosen.android)
        record = {
            "schema": 1,
            "key": name,
            "abi": chosen.abi,
            "toolchain": chosen.name,
            "compiler": chosen.identity,
            "flags": flags.read_back(folder),
            "defines": parts["defines"],
            "sources": parts["sources"],
            "build_id": checked.build_id,
            "machine": checked.machine,
            "interpreter": checked.interpreter,
            "alignment": min(checked.alignments),
            "size": checked.size,
            "seconds": round(time.monotonic() - started, 3),
        }
        stored = cache.store(root, name, made, record)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _warm_marker(chosen, root).touch()
    return stored


def _gather(folder: Path) -> Path:
    """One folder with program and library: CMake leaves the program in a subfolder of the build."""
    for file in (cache.PROGRAM, cache.LIBRARY):
        found = [path for path in folder.rglob(file) if path.is_file() and "CMakeFiles" not in path.parts]
        if not found:
            raise InfrastructureError(f"the native build made no {file}", "see native/CMakeLists.txt")
        if found[0].parent != folder:
            found[0].rename(folder / file)
    return folder


def _warm_marker(chosen: Toolchain, root: Path) -> Path:
    return root / "zig-cache" / f"warm-{chosen.abi}" if chosen.describe == "zig" else root / ".warm"


def _announcement(chosen: Toolchain, root: Path) -> str:
    """One line; a cold zig compiles the C library of the target first."""
    where = "this machine" if chosen.abi == "host" else chosen.abi
    marker = _warm_marker(chosen, root)
    marker.parent.mkdir(parents=True, exist_ok=True)
    hint = ""
    if chosen.describe == "zig" and not marker.exists():
        hint = " (first time: about 35 s)" if chosen.android else " (first time: about 10 s)"
    return f"building for {where} with {chosen.describe}{hint}"
