"""The peers' own virtual environment under build/peers, made from requirements/peers.txt."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers import hidden_features, stubs
from harness.bootstrap import clean_environment, explain
from harness.errors import InfrastructureError, UsageError
from harness.paths import build_root, data_root

_IMPORT_S = 300


def folder() -> Path:
    """build/peers: environment, results."""
    return build_root() / "peers"


def make(say: Callable[[str], None]) -> Path:
    """The environment's Python, installing first where the lock file or the Python changed.

    Raises UsageError on machines without wheels, InfrastructureError where installing fails.
    """
    if (platform.machine(), sys.platform) != ("x86_64", "linux"):
        raise UsageError("the peers' lock file holds wheels for x86-64 Linux", "run it on such a machine")
    lock = data_root() / "requirements" / "peers.txt"
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    venv = folder() / "venv"
    python, marker = venv / "bin" / "python", venv / "made-from"
    if marker.exists() and marker.read_text() == key:
        _stubs(venv, say)
        return python
    say("installing the peers under build/peers (600 MB of wheels, 2 GB unpacked; once)")
    shutil.rmtree(venv, ignore_errors=True)
    shutil.rmtree(folder() / "stubs", ignore_errors=True)
    folder().mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(venv)], "making the peers' environment")
    pip = [str(python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    wheels = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
    _run([*pip, *wheels], "installing the peers")
    _stubs(venv, say)
    marker.write_text(key)
    return python


def make_without_avx512(python: Path, say: Callable[[str], None]) -> Path:
    """The Python of a copy whose libraries take this machine for one without AVX-512.

    Raises InfrastructureError where it cannot be written, or where a peer would not believe it.
    """
    venv, out = python.parent.parent, folder() / "venv-no-avx512"
    marker, key = out / "made-by", f"{hidden_features.recipe()} {(venv / 'made-from').read_text()}"
    if not marker.exists() or marker.read_text() != key:
        say("copying the peers, as if there were no AVX-512")
        try:
            answers = hidden_features.hide_in_environment(venv, out)
            hidden_features.require(answers)
            marker.write_text(key)
        except (OSError, ValueError) as error:
            # Of copytree's error the first file is enough.
            reason = error.args[0][0] if isinstance(error, shutil.Error) else error
            raise InfrastructureError(
                f"{out}: {reason}", "make room there, or see benchmarks/peers/hidden_features.py"
            ) from None
        say(f"AVX-512 hidden from: {', '.join(f'{name} ({count})' for name, count in answers.items())}")
    return out / "bin" / python.name


def _stubs(venv: Path, say: Callable[[str], None]) -> None:
    """Makes torch's stubs for CUDA's libraries where they are absent or their recipe changed."""
    made, out = next(venv.glob("lib/python*/site-packages/torch/lib"), None), folder() / "stubs"
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


def base() -> dict[str, str]:
    """This process's environment without what rules the peers' libraries."""
    ruled = ("OMP_", "MKL_", "KMP_", "ONEDNN_", "DNNL_", "PEERS_")
    return {k: v for k, v in clean_environment(dict(os.environ)).items() if not k.startswith(ruled)}


def settings(peer: str, threads: int, avx512: bool = True) -> dict[str, str]:
    """What rules a peer's libraries: its threads, oneDNN's instruction set, and torch's stubs."""
    libraries = folder() / "stubs" / "lib"
    number = str(threads)
    found = {"OMP_NUM_THREADS": number, "MKL_NUM_THREADS": number, "PYTHONWARNINGS": "ignore"}
    if not avx512:
        found["PEERS_NO_AVX512"] = "1"
    if peer == "onednn_avx2":
        found["ONEDNN_MAX_CPU_ISA"] = "AVX2"
    return found | ({"TORCH_STUBS": str(libraries)} if libraries.exists() else {})


def worker(peer: str, python: Path, threads: int, avx512: bool, where: Path) -> Path:
    """A program in the folder ``where`` that starts the peer's adapter: with ``worker`` under convbench."""
    script = where / peer
    sets = settings(peer, threads, avx512) | {"PYTHONPATH": str(data_root() / "native" / "workers")}
    words = ["/usr/bin/env", *(f"{key}={value}" for key, value in sets.items())]
    words += [str(python), "-m", "benchmarks.peers.adapters", peer]
    script.write_text(f'#!/bin/sh\ncd {shlex.quote(str(data_root()))} && exec {shlex.join(words)} "$@"\n')
    script.chmod(0o700)
    return script


def versions(program: Path) -> dict[str, str]:
    """What the peer's libraries are. Raises InfrastructureError with the reason where they cannot be had."""
    try:
        done = subprocess.run(
            [program, "versions"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=base(),
            text=True,
            errors="replace",
            timeout=_IMPORT_S,
            check=False,
        )
        found: dict[str, str] = json.loads((done.stdout.splitlines() or ["null"])[-1])
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        raise InfrastructureError(f"{program.name}: {error}", "look into build/peers/venv") from None
    if done.returncode or not isinstance(found, dict):
        reason = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        raise InfrastructureError(f"{program.name}: {reason[:300]}", "look into build/peers/venv")
    return found


def _run(argv: list[str], doing: str) -> None:
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean_environment(dict(os.environ)),
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise InfrastructureError(explain(doing, done.stdout), "see the message; make bench-peers starts it again")
