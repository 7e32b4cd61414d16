"""Processes that answer a line for a line: a peer's worker, and our own program."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.compile import compile_with_library
from benchmarks.peers import environment
from harness.model.layer import Layer
from harness.paths import data_root
from harness.toolchain.builder import Built

_OURS = Path(__file__).with_name("ours.c")
_TIMEOUT = 180.0  # seconds for one answer; preparing the largest layer takes a few


class Lost(Exception):
    """The process ended, hung, or says no; the text is the reason."""


class Lines:
    """A process, its standard input and output taken as lines."""

    def __init__(
        self, argv: Sequence[str], cpus: Sequence[int], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=data_root(), env=env
            )
        os.sched_setaffinity(self._process.pid, cpus)
        self._rest = b""

    def read(self) -> str:
        """The next line of answer. Raises Lost."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        with selectors.DefaultSelector() as ready:
            ready.register(descriptor, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not ready.select(_TIMEOUT):
                    self.end()
                    raise Lost(f"no answer within {_TIMEOUT:.0f} s")
                found = os.read(descriptor, 1 << 16)
                if not found:
                    raise Lost(f"its process ended with {self._process.wait()}")
                self._rest += found
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode(errors="replace")

    def ask(self, line: str) -> str:
        """Sends a line, gives the answer. Raises Lost."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise Lost(f"its process ended with {self._process.wait()}") from None
        return self.read()

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Peer(Lines):
    """A peer's worker. ``versions``: what it says of itself."""

    def __init__(self, name: str, python: Path, cpus: Sequence[int], log: Path, avx512: bool = True) -> None:
        self.name = name
        module = "benchmarks.peers.side.worker"
        argv = [str(python), "-m", module, name, ",".join(map(str, cpus)), str(len(cpus))]
        super().__init__(argv, cpus, log, environment.base() | environment.settings(name, len(cpus), avx512))
        self.versions: dict[str, str] = self._checked(self.read())["versions"]

    def prepare(self, layer: Layer, folder: Path, ns: float) -> dict[str, Any]:
        """Builds the layer from the folder's files; what mode won. Raises Lost."""
        values = layer.model_dump(mode="json") | {"out_h": layer.out_h, "out_w": layer.out_w}
        return self._checked(self.ask(json.dumps({"do": "prepare", "layer": values, "folder": str(folder), "ns": ns})))

    def sample(self, ns: float) -> float:
        """Nanoseconds per call. Raises Lost."""
        return float(self._checked(self.ask(json.dumps({"do": "sample", "ns": ns})))["ns"])

    @staticmethod
    def _checked(line: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(line)
        if not found["ok"]:
            raise Lost(found["reason"])
        return found


class Ours(Lines):
    """Our own program."""

    def __init__(self, program: Path, cpus: Sequence[int], log: Path) -> None:
        super().__init__([str(program)], cpus, log)

    def words(self, line: str) -> list[str]:
        """What follows "ok". Raises Lost where the answer is no."""
        found = self.ask(line)
        if not found.startswith("ok"):
            raise Lost(found.removeprefix("no "))
        return found.split()[1:]

    def prepare(self, slot: int, algorithm: str, kernel: str, layer: Layer, folder: Path) -> str:
        """Makes the object; which algorithm and kernel it really has. Raises Lost."""
        sizes = (layer.h, layer.w, layer.kh, layer.kw, *layer.pad, *layer.stride, *layer.dilation)
        rest = (layer.groups, layer.batch, layer.cin, layer.cout)
        return self.words(f"prepare {slot} {algorithm} {kernel} {folder} {' '.join(map(str, sizes + rest))}")[0]

    def sample(self, slot: int, ns: float) -> float:
        """Nanoseconds per call. Raises Lost."""
        return float(self.words(f"sample {slot} {ns:.0f}")[0])


def compile_ours(built: Built, folder: Path) -> Path:
    """Our own program. Raises InfrastructureError."""
    return compile_with_library(_OURS, built, folder)


def peak_gflops(built: Built, cpus: Sequence[int]) -> float:
    """FMA peak now, GFLOP/s, of all the CPUs together, measured at once; NaN where the clock is not believed."""
    before = os.sched_getaffinity(0)
    running = []
    for cpu in cpus:
        os.sched_setaffinity(0, {cpu})
        running.append(subprocess.Popen([str(built.path), "probe"], stdout=subprocess.PIPE))
    os.sched_setaffinity(0, before)
    found = [json.loads(process.communicate()[0])["peak"] for process in running]
    return sum(float(peak["gflops"]) if peak["ok"] else float("nan") for peak in found)
