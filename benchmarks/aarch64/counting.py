"""Instructions that a layer executes, counted under qemu."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.aarch64.driver import Driver
from benchmarks.aarch64.panel import PanelLayer
from benchmarks.aarch64.plugins import Plugin


@dataclass(frozen=True)
class Counted:
    """One run of a layer: names of algorithm and kernel as the library told them, instructions by class."""

    algorithm: str
    kernel: str
    classes: dict[str, int]


class Counter:
    """Builds the plugin in ``folder`` and counts with it."""

    def __init__(self, folder: Path, driver: Driver) -> None:
        self._driver = driver
        self._plugin = Plugin(folder, "insn_count")

    def count(self, layer: PanelLayer, algorithm: str, kernel: str) -> Counted | None:
        """What one run of the layer executes; None where the library refuses the combination.

        ``kernel`` "-" is the library's own choice.
        """
        ran = self._driver.run(layer, algorithm, kernel, 1, self._plugin)
        if ran is None:
            return None
        counts = self._plugin.counts()
        return Counted(ran.algorithm, ran.schedule, {name: number for name, (number,) in counts.items()})
