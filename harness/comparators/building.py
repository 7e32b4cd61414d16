"""A worker out of a fetched library, or out of a build directory of the user's: compiled, put together, kept."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.comparators import places
from harness.comparators.table import LOADERS, Library, Machine
from harness.digest import sha256_of
from harness.errors import InfrastructureError, UsageError
from harness.paths import data_root
from harness.toolchain.cache import key as key_of
from harness.toolchain.cmake import zig_program
from harness.toolchain.toolchain import HOST

_GLIBC = "2.38"  # that of the table's packages, or an older one
_WRAPPED = ("malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign", "memalign")
_CXX = {"aarch64": ("aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu"), "x86_64": ("g++", "g++")}
_VERSION = 1  # of how it is put together
_TIMEOUT_S = 900

Say = Callable[[str], None]


@dataclass(frozen=True)
class Own:
    """A build directory of the user's, and the compiler that fits it ("": the usual one)."""

    folder: Path
    compiler: str = ""


def compiler_of(library: Library, machine: Machine) -> tuple[str, str] | None:
    """The compiler that it needs beyond zig, and Debian's package of it; None: zig does."""
    return _CXX[machine] if library.language == "c++" else None


def lacking_compiler(library: Library, machine: Machine) -> str:
    """The command that installs what is missing to build it; empty where all is there."""
    needed = compiler_of(library, machine)
    return "" if needed is None or shutil.which(needed[0]) else f"apt-get install {needed[1]}"


def read_own(library: Library, abi: str) -> Own | None:
    """What takes the packages' place; None: they are taken."""
    try:
        value = json.loads(places.own(library, abi).read_text("utf-8"))
        return Own(Path(str(value["folder"])), str(value["compiler"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_own(library: Library, abi: str, own: Own | None) -> None:
    """Says what takes the packages' place from now on; None: nothing. Raises InfrastructureError."""
    file = places.own(library, abi)
    try:
        if own is None:
            file.unlink(missing_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"folder": str(own.folder), "compiler": own.compiler}) + "\n", "utf-8")
    except OSError as error:
        raise InfrastructureError(f"{file}: {error.strerror or error}", "make room, or mend it") from error
    if own is not None:  # it changes: what was built of it is built anew whenever it is named
        shutil.rmtree(places.built(library, abi), ignore_errors=True)


def record_of(library: Library, abi: str) -> dict[str, Any] | None:
    """Of a worker that is whole and of these sources; None where it is to be built."""
    folder = places.built(library, abi)
    try:
        record: dict[str, Any] = json.loads((folder / places.RECORD).read_text("utf-8"))
        whole = record["key"] == _key(library, abi, read_own(library, abi))
        whole &= all(sha256_of(folder / name) == digest for name, digest in record["sha256"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if whole else None


def build(library: Library, abi: str, machine: Machine, say: Say) -> dict[str, Any]:
    """Builds the worker anew. Raises InfrastructureError, UsageError where an own build directory does not fit."""
    own = read_own(library, abi)
    say(f"building the worker of {library.title} for {abi}")
    places.built(library, abi).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=places.root(), prefix=".building-") as temporary:
        work, made = Path(temporary), Path(temporary) / "made"
        made.mkdir()
        include, libraries = _material(library, machine, own, work)
        program = made / (library.library if library.is_static or own else f"{library.library}.bin")
        _compile(_Sources(library, machine, own, include, libraries), program)
        if not library.is_static and own is None:
            for file in libraries:
                shutil.copy2(file, made / file.name)
            _launcher(made / library.library, abi, LOADERS[machine], program.name)
        elif own is not None:
            for file in libraries:
                if ".so" in file.name:
                    shutil.copy2(file, made / file.name)
        files = {path.name: sha256_of(path) for path in sorted(made.iterdir())}
        size = sum(path.stat().st_size for path in made.iterdir())
        record = {
            "library": library.library,
            "abi": abi,
            "key": _key(library, abi, own),
            "sha256": files,
            "bytes": size,
        }
        record |= {"version": f"of {own.folder}" if own else library.version, "program": library.library}
        (made / places.RECORD).write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        folder = places.built(library, abi)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return record


def _key(library: Library, abi: str, own: Own | None) -> str:
    """Of everything that the worker follows from, but what lies in a folder of the user's."""
    workers = data_root() / "native" / "workers"
    headers = sorted(path for path in workers.rglob("*.h"))
    files = [*(workers / source for source in library.sources), *headers]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    table = library.model_dump(mode="json", exclude={"title", "licence", "counts", "names", "pushed_bytes"})
    mine = [str(own.folder), own.compiler] if own else []
    return key_of({"version": _VERSION, "abi": abi, "sources": digests, "table": table, "own": mine})


def _material(library: Library, machine: Machine, own: Own | None, work: Path) -> tuple[list[Path], list[Path]]:
    """Folders of headers, and the libraries."""
    if own is not None:
        return _own_headers(library, own.folder), _own_libraries(library, own.folder)
    include = work / "include"
    include.mkdir()
    libraries = []
    for package in library.packages:
        unpacked = places.unpacked(package, machine)
        for path in (unpacked / "include").glob("*"):
            (include / path.name).symlink_to(path)
        libraries += sorted((unpacked / "lib").glob("*"))
    return [include], libraries


def _own_headers(library: Library, folder: Path) -> list[Path]:
    found = [path for path in (folder, folder / "include") if path.is_dir()]
    return found + [path for path in sorted(folder.glob("*/include")) if path.is_dir()]


def _own_libraries(library: Library, folder: Path) -> list[Path]:
    """The archives that the table names, or where there are none the shared libraries that it links."""
    every = sorted(path for path in folder.rglob("lib*") if path.is_file())
    archives = [path for name in library.own for path in every if path.name == name]
    shared = [path for name in library.links for path in every if path.name == f"lib{name}.so"]
    if not (found := archives or shared):
        names = ", ".join([*library.own, *(f"lib{name}.so" for name in library.links)])
        raise UsageError(
            f"--from {folder}: it holds none of {names}", "name the folder that the library was built into"
        )
    return list({path.name: path for path in found}.values())


@dataclass(frozen=True)
class _Sources:
    """What a worker is compiled from. ``include``: folders of the library's headers."""

    library: Library
    machine: Machine
    own: Own | None
    include: Sequence[Path]
    libraries: Sequence[Path]

    @property
    def files(self) -> list[Path]:
        return [self._workers / source for source in self.library.sources]

    @property
    def headers(self) -> list[str]:
        return [f"-I{self._workers}", *(f"-isystem{folder}" for folder in self.include)]

    @property
    def archives(self) -> list[str]:
        """The libraries, which may need one another in any order."""
        return ["-Wl,--start-group", *map(str, self.libraries), "-Wl,--end-group"]

    def compiler(self, otherwise: Sequence[str]) -> list[str]:
        """The one that the user named."""
        return shlex.split(self.own.compiler) if self.own and self.own.compiler else list(otherwise)

    @property
    def _workers(self) -> Path:
        return data_root() / "native" / "workers"


def _compile(sources: _Sources, out: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        (_compile_static if sources.library.language == "c++" else _compile_c)(sources, out, Path(temporary))


def _compile_static(sources: _Sources, out: Path, work: Path) -> None:
    """C++ of the library's own ABI: by GCC, or the compiler that the user named."""
    library, machine, own, libraries = sources.library, sources.machine, sources.own, sources.libraries
    missing = lacking_compiler(library, machine)
    if missing and not (own and own.compiler):
        raise InfrastructureError(f"{library.title}: {_CXX[machine][0]} is missing, which builds its worker", missing)
    compiler = sources.compiler([_CXX[machine][0]])
    objects = []
    for source in sources.files:
        objects.append(str(work / f"{source.name}.o"))
        language = ["-x", "c", "-std=gnu11"] if source.suffix == ".c" else ["-x", "c++", "-std=gnu++17"]
        flags = ["-O2", "-D_GNU_SOURCE", *language, *sources.headers]
        _run([*compiler, *flags, "-c", str(source), "-o", objects[-1]], library)
    wrapped = [f"-Wl,--wrap={name}" for name in _WRAPPED]
    beside = [f"-L{libraries[0].parent}", "-Wl,-rpath,$ORIGIN"] if any(".so" in file.name for file in libraries) else []
    ways = ["-static"] if not beside and not _is_android(compiler) else ["-static-libstdc++"]
    page = "-Wl,-z,max-page-size=65536"
    _run([*compiler, *ways, "-s", *objects, *sources.archives, *wrapped, *beside, page, "-o", str(out)], library)


def _is_android(compiler: Sequence[str]) -> bool:
    """Of an NDK: its programs are linked with the device's own libc."""
    return "android" in " ".join(compiler)


def _compile_c(sources: _Sources, out: Path, work: Path) -> None:
    """C by zig, without the name of a loader: it is started by the one that lies beside it."""
    library, machine = sources.library, sources.machine
    target = ["-target", f"{machine}-linux-gnu.{_GLIBC}", *(["-mcpu=x86_64"] if machine == "x86_64" else [])]
    compiler = sources.compiler([str(zig_program()), "cc", *target])
    flags = ["-O2", "-std=c11", "-D_GNU_SOURCE", "-s", "-fPIE", "-pie", *sources.headers]
    if sources.own is None:
        flags += ["-Wl,--no-dynamic-linker", "-Wl,--allow-shlib-undefined"]
        for name in library.links:
            file = next(path for path in sources.libraries if path.name.startswith(f"lib{name}.so"))
            (work / f"lib{name}.so").symlink_to(file)
        linked = [f"-L{work}", *(f"-l{name}" for name in library.links)]
    else:
        linked = [*sources.archives, "-Wl,-rpath,$ORIGIN", "-lpthread", "-ldl"]
    _run([*compiler, *flags, *map(str, sources.files), *linked, "-lm", "-o", str(out)], library)


def _launcher(script: Path, abi: str, loader: str, program: str) -> None:
    """Starts the program with the glibc beside it, wherever that is."""
    shell = "/bin/sh" if abi == HOST else "/system/bin/sh"
    start = f'exec "$here/{loader}" --library-path "$here" "$here/{program}" "$@"'
    script.write_text(f"#!{shell}\nhere=${{0%/*}}\nunset LD_PRELOAD LD_LIBRARY_PATH\n{start}\n")
    for path in script.parent.iterdir():
        path.chmod(0o755)


def _run(argv: Sequence[str], library: Library) -> None:
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
        said, code = done.stdout, done.returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        said, code = str(error), 1
    if code:
        told = "\n".join(_faults(said)) or "no reason given"
        raise InfrastructureError(
            f"the worker of {library.title} does not build: {told}",
            "with a build directory of your own, name the compiler that made it: --compiler 'CXX ...'",
        )


def _faults(said: str) -> Iterator[str]:
    lines = [line for line in said.splitlines() if line.strip()]
    marked = [line for line in lines if "error" in line or "undefined" in line]
    yield from (line[:300] for line in (marked or lines)[:5])
