"""Instructions that a layer executes, counted under qemu."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.aarch64.panel import PanelLayer
from benchmarks.aarch64.tools import plugin_qemu
from harness.build.builder import Built
from harness.build.cmake import environment, zig_program
from harness.errors import InfrastructureError
from harness.paths import data_root

_HERE = Path(__file__).parent
_REFUSED = 3
_ARM64 = ["-target", "aarch64-linux-musl", "-mcpu=generic", "-static"]
_WARNINGS = ["-std=c11", "-O2", "-g0", "-Wall", "-Wextra", "-Werror", "-fno-sanitize=undefined"]


def compile_with_zig(arguments: list[str]) -> None:
    """Runs ``zig cc``. Raises InfrastructureError with the compiler's words where it fails."""
    command = [str(zig_program()), "cc", *_WARNINGS, *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InfrastructureError(f"zig cc failed: {done.stderr.strip()[-2000:]}", "see the compiler's message")


@dataclass(frozen=True)
class Counted:
    """One run of a layer: names of algorithm and kernel as the library told them, instructions by class."""

    algorithm: str
    kernel: str
    classes: dict[str, int]


class Counter:
    """Builds plugin and driver in ``folder`` and counts with them."""

    def __init__(self, folder: Path, built: Built) -> None:
        self._qemu, self.qemu_version = plugin_qemu()
        self._built = built
        self._plugin = build_plugin(folder)
        self._driver = folder / "one_layer"
        self._out = folder / "counts.txt"
        native = data_root() / "native"
        includes = [f"-I{native / 'include'}", f"-I{native / 'src'}"]
        sources = [str(_HERE / "one_layer.c"), str(built.library), "-lm"]
        compile_with_zig([*_ARM64, *includes, "-o", str(self._driver), *sources])

    def kernels(self) -> list[str]:
        """Names of the kernels that the emulated core can run, best first."""
        command = [self._qemu, str(self._built.path), "info", "--kernels"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [kernel["name"] for kernel in json.loads(done.stdout) if kernel["supported"]]

    def count(self, layer: PanelLayer, algorithm: str, kernel: str) -> Counted | None:
        """What one run of the layer executes; None where the library refuses the combination.

        ``kernel`` "-" is the library's own choice.
        """
        with_run = self._run(layer, algorithm, kernel, 1)
        if with_run is None:
            return None
        without = self._run(layer, algorithm, kernel, 0)
        assert without is not None
        names, classes = with_run
        run = {name: count - without[1][name] for name, count in classes.items()}
        return Counted(*names, run)

    def _run(
        self, layer: PanelLayer, algorithm: str, kernel: str, runs: int
    ) -> tuple[tuple[str, str], dict[str, int]] | None:
        arguments = [*layer.arguments(), algorithm, kernel, str(runs)]
        done = execute(self._qemu, self._plugin, self._out, self._driver, arguments)
        if done.returncode == _REFUSED:
            return None
        if done.returncode != 0:
            what = done.stderr.strip() or f"exit code {done.returncode}"
            raise InfrastructureError(f"one_layer {' '.join(arguments)}: {what}", "repeat it by hand")
        chosen = done.stdout.split()
        return (chosen[0], chosen[1]), read_counts(self._out)


def build_plugin(folder: Path) -> Path:
    """Compiles the plugin into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / "libinsn_count.so"
    compile_with_zig(["-shared", "-fPIC", "-o", str(plugin), str(_HERE / "insn_count.c")])
    return plugin


def execute(
    qemu: str, plugin: Path, out: Path, program: Path, arguments: list[str]
) -> subprocess.CompletedProcess[str]:
    """Runs an arm64 program; its counts lie in ``out`` afterwards."""
    out.unlink(missing_ok=True)
    command = [qemu, "-plugin", f"{plugin},out={out}", str(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def read_counts(out: Path) -> dict[str, int]:
    """Executed instructions by class. Raises InfrastructureError where the plugin wrote none."""
    try:
        lines = out.read_text().splitlines()
    except FileNotFoundError:
        raise InfrastructureError("qemu ran without the plugin", "its version may not match: see --help") from None
    return {name: int(count) for name, count in (line.split() for line in lines)}
