"""The peers' own virtual environment under build/peers, made from requirements/peers.txt."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers import hidden_features
from harness.bootstrap import clean_environment
from harness.comparators import environment
from harness.errors import InfrastructureError
from harness.paths import build_root

_IMPORT_S = 300


def folder() -> Path:
    """build/peers: environment, results."""
    return build_root() / "peers"


def make(say: Callable[[str], None]) -> Path:
    """The environment's Python, installing first where the lock file or the Python changed.

    Raises UsageError on machines without wheels, InfrastructureError where installing fails.
    """
    lock = environment.lock_file().read_text("utf-8")
    return environment.make(folder(), lock, "the peers under build/peers (600 MB of wheels; once)", say)


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


def base() -> dict[str, str]:
    """This process's environment without what rules the peers' libraries."""
    ruled = ("OMP_", "MKL_", "KMP_", "ONEDNN_", "DNNL_", "PEERS_")
    return {k: v for k, v in clean_environment(dict(os.environ)).items() if not k.startswith(ruled)}


def worker(peer: str, python: Path, threads: int, avx512: bool, where: Path) -> Path:
    """A program in the folder ``where`` that starts the peer's adapter: with ``worker`` under convbench."""
    sets = environment.settings(peer, folder(), threads, avx512=avx512)
    return environment.script(peer, python, where / peer, sets)


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
