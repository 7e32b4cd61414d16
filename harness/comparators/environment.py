"""Libraries that Python calls: each in a virtual environment of its own, of the lock file's wheels that it needs."""

from __future__ import annotations

import hashlib
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from harness.bootstrap import explain, run_quiet
from harness.comparators import places, stubs
from harness.comparators.table import Library
from harness.errors import InfrastructureError, UsageError
from harness.paths import data_root

_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
Say = Callable[[str], None]


def lock_file() -> Path:
    """The lock of all of them."""
    return data_root() / "requirements" / "peers.txt"


def locked(text: str, wheels: Collection[str]) -> str:
    """The entries of a lock file, with their hashes, of these packages alone. Raises UsageError where one is absent."""
    starts = [*_ENTRY.finditer(text)]
    ends = [each.start() for each in starts[1:]] + [len(text)]
    entries = {start[1]: text[start.start() : end] for start, end in zip(starts, ends, strict=True)}
    if missing := sorted(set(wheels) - entries.keys()):
        raise UsageError(f"requirements/peers.txt has no {', '.join(missing)}", "lock it again: make lock")
    return "".join(entries[name] for name in sorted(wheels))


def is_made(library: Library) -> bool:
    """Whether its environment is there, and of the lock file and the Python of now."""
    return _is_of(_folder(library), locked(lock_file().read_text("utf-8"), library.wheels))


def fetch(library: Library, say: Say) -> None:
    """Makes its environment. Raises InfrastructureError where installing fails, UsageError as ``make``."""
    make(_folder(library), locked(lock_file().read_text("utf-8"), library.wheels), library.title, say)


def make(folder: Path, lock: str, what: str, say: Say) -> Path:
    """The Python of the environment below ``folder``, installing first where lock or Python changed.

    ``lock``: text of a lock file with hashes. Raises UsageError on machines without wheels, InfrastructureError where
    installing fails.
    """
    if (platform.machine(), sys.platform) != ("x86_64", "linux"):
        raise UsageError("requirements/peers.txt holds wheels for x86-64 Linux", "run it on such a machine")
    venv = folder / "venv"
    python = venv / "bin" / "python"
    if not _is_of(folder, lock):
        say(f"installing {what}")
        shutil.rmtree(venv, ignore_errors=True)
        shutil.rmtree(folder / "stubs", ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        _run([sys.executable, "-m", "venv", str(venv)], f"making the environment of {what}")
        file = folder / "lock.txt"
        file.write_text(lock, "utf-8")
        pip = [str(python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
        wheels = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(file)]
        _run([*pip, *wheels], f"installing {what}")
    _make_stubs(folder, say)
    (venv / "made-from").write_text(_digest(lock))
    return python


def program(library: Library, name: str) -> Path:
    """A program that starts a comparator's adapter: written anew, since Python and paths may have changed."""
    folder = _folder(library)
    folder.mkdir(parents=True, exist_ok=True)
    return script(library.adapters[name], folder / "venv" / "bin" / "python", folder / name, settings(name, folder))


def settings(peer: str, folder: Path, threads: int = 0, *, avx512: bool = True) -> dict[str, str]:
    """What rules a peer's libraries: its threads, oneDNN's instruction set, torch's stubs.

    ``threads`` 0: as many as it has CPUs that it may use. ``folder``: of its environment.
    """
    found = {"PYTHONWARNINGS": "ignore"}
    found |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)} if threads else {}
    found |= {} if avx512 else {"PEERS_NO_AVX512": "1"}
    found |= {"ONEDNN_MAX_CPU_ISA": "AVX2"} if peer.replace("-", "_") == "onednn_avx2" else {}
    libraries = folder / "stubs" / "lib"
    return found | ({"TORCH_STUBS": str(libraries)} if libraries.exists() else {})


def script(peer: str, python: Path, file: Path, sets: dict[str, str]) -> Path:
    """Writes ``file``: it starts a peer's adapter under what ``sets`` says, with ``worker`` under convbench."""
    words = ["/usr/bin/env", *(f"{key}={value}" for key, value in sets.items())]
    words += [f"PYTHONPATH={data_root() / 'native' / 'workers'}", str(python), "-m", "adapters", peer]
    file.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    file.chmod(0o700)
    return file


def _folder(library: Library) -> Path:
    return places.root() / "python" / library.library


def _digest(lock: str) -> str:
    return hashlib.sha256((lock + sys.version).encode()).hexdigest()


def _is_of(folder: Path, lock: str) -> bool:
    marker = folder / "venv" / "made-from"
    return marker.is_file() and marker.read_text() == _digest(lock)


def _make_stubs(folder: Path, say: Say) -> None:
    """Makes torch's stubs for CUDA's libraries where they are absent or their recipe changed."""
    made, out = next((folder / "venv").glob("lib/python*/site-packages/torch/lib"), None), folder / "stubs"
    recipe = hashlib.sha256(Path(stubs.__file__).read_bytes()).hexdigest()
    marker = out / "made-from"
    if made is None or (marker.exists() and marker.read_text() == recipe):
        return
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    try:
        stubs.make(made, out / "lib")
    except (subprocess.CalledProcessError, OSError) as error:
        say(f"torch will be missing: its stubs for CUDA's libraries were not made: {error}")
    marker.write_text(recipe)


def _run(argv: list[str], doing: str) -> None:
    done = run_quiet(argv)
    if done.returncode:
        raise InfrastructureError(explain(doing, done.stdout), "see the message; the same command starts it again")
