"""One layer as an arm64 program under the emulator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.aarch64.panel import PanelLayer
from benchmarks.aarch64.plugins import ARM64_PROGRAM, HERE, Plugin, compile_with_zig
from benchmarks.aarch64.tools import plugin_qemu
from harness.errors import InfrastructureError
from harness.paths import data_root
from harness.toolchain.builder import Built

_REFUSED = 3


@dataclass(frozen=True)
class Ran:
    """What the library did with a layer: algorithm, schedule, its outer loop ("panels", "pixels", "-" where it has
    none), bytes of the packed weights and of the L2 cache that the library reckons with."""

    algorithm: str
    schedule: str
    order: str
    weights_bytes: int
    l2_bytes: int


class Driver:
    """Builds one_layer.c with the library into ``folder``."""

    def __init__(self, folder: Path, built: Built) -> None:
        self._qemu, self.qemu_version = plugin_qemu()
        self._built = built
        self._program = folder.resolve() / "one_layer"
        folder.mkdir(parents=True, exist_ok=True)
        native = data_root() / "native"
        includes = [f"-I{native / 'include'}", f"-I{native / 'src'}"]
        sources = [str(HERE / "one_layer.c"), str(built.library), "-lm"]
        compile_with_zig([*ARM64_PROGRAM, *includes, "-o", str(self._program), *sources])

    def kernels(self) -> list[str]:
        """Names of the kernels that the emulated core can run, best first."""
        command = [self._qemu, str(self._built.path), "info", "--kernels"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [kernel["name"] for kernel in json.loads(done.stdout) if kernel["supported"]]

    def run(
        self, layer: PanelLayer, algorithm: str, kernel: str, runs: int, plugin: Plugin, options: Sequence[str] = ()
    ) -> Ran | None:
        """Runs the layer ``runs`` times, of which the plugin counts the last; None where the library refuses.

        ``kernel`` is a schedule, "-" the library's own choice; ``options`` are the emulator's.
        """
        arguments = [*layer.arguments(), algorithm, kernel, str(runs)]
        done = plugin.execute([self._qemu, *options], [str(self._program), *arguments])
        if done.returncode == _REFUSED:
            return None
        if done.returncode != 0:
            what = done.stderr.strip() or f"exit code {done.returncode}"
            raise InfrastructureError(f"one_layer {' '.join(arguments)}: {what}", "repeat it by hand")
        name, schedule, order, weights, l2 = done.stdout.split()
        return Ran(name, schedule, order, int(weights), int(l2))
