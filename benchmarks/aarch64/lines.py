"""Cache lines that a layer moves: one warm run in simulated caches, for each core with its own choice of schedules.

What runs is asked of the library for each core first, without running. Cores for which it is the same share one
emulation, which simulates the caches of all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.aarch64.cores import CORES, Core
from benchmarks.aarch64.driver import Driver, Ran
from benchmarks.aarch64.panel import PanelLayer
from benchmarks.aarch64.plugins import Plugin
from harness.errors import InfrastructureError

MOST_OVER_BETTER = 1.15
"""What the published im2col may bring from beyond L2, by the better order of its whole matrix."""

# Column, algorithm and schedule; KERNEL is the kernel of the published algorithms.
PUBLISHED, PANELS, PIXELS = "im2col published", "im2col +panels", "im2col +pixels"
COLUMNS = (
    (PUBLISHED, "im2col", "-"),
    (PANELS, "im2col", "KERNEL+panels"),
    (PIXELS, "im2col", "KERNEL+pixels"),
    ("im2col best", "im2col", "best"),
    ("indirect published", "indirect", "-"),
    ("indirect best", "indirect", "best"),
    ("direct published", "direct", "-"),
    ("direct best", "direct", "best"),
)


@dataclass(frozen=True)
class Moved:
    """What one warm run of a layer moves, by the plugin's names (lines), and what the library ran."""

    ran: Ran
    flows: dict[str, int]

    @property
    def beyond_l1(self) -> int:
        """Lines that L1 fetched."""
        return self.flows["l1_loads"] + self.flows["l1_stores"]

    @property
    def beyond_l2(self) -> int:
        """Lines that L2 fetched."""
        return self.flows["l2_loads"] + self.flows["l2_stores"]

    @property
    def written(self) -> int:
        """Lines that L2 wrote back."""
        return self.flows["l2_written"]


class LineCounter:
    """Builds the plugin in ``folder`` and simulates with it."""

    def __init__(self, folder: Path, driver: Driver, cores: tuple[Core, ...] = CORES) -> None:
        self._folder = folder
        self._driver = driver
        self._cores = cores
        self._plugin = Plugin(folder, "cache_lines", [core.argument for core in cores])
        self._known: dict[tuple[PanelLayer, str, str], dict[str, list[int]]] = {}

    def moved(self, layer: PanelLayer, core: Core, algorithm: str, schedule: str) -> Moved | None:
        """What the schedule ("-": published) moves on the core; None where the library refuses.

        Raises InfrastructureError where the library reckons with other caches than the core's, or where the run does
        what the simulation cannot see.
        """
        options = ["-cpu", core.cpu, "-L", str(self._system(core))]
        ran = self._driver.run(layer, algorithm, schedule, 0, self._plugin, options)
        if ran is None:
            return None
        if ran.l2_bytes != core.l2.size:
            raise InfrastructureError(
                f"{core.name}: the library reckons with an L2 cache of {ran.l2_bytes} bytes, not {core.l2.size}",
                "the emulator must show it the files below " + str(self._system(core)),
            )
        place = self._cores.index(core)
        flows = {name: numbers[place] for name, numbers in self._flows(layer, ran).items()}
        if flows.pop("unseen") != 0:
            raise InfrastructureError(
                f"{layer.name} {algorithm} {schedule}: zeroes memory by `dc zva`, which the simulation does not see",
                "link a memset without it",
            )
        return Moved(ran, flows)

    def _flows(self, layer: PanelLayer, ran: Ran) -> dict[str, list[int]]:
        """By the schedule that ran, its order said outright, so that it is the same on every core; im2col without a
        matrix is direct."""
        has_order = "+" not in ran.schedule and ran.order != "-"
        schedule = f"{ran.schedule}+{ran.order}" if has_order else ran.schedule
        algorithm = "direct" if ran.algorithm == "im2col" and layer.is_in_place else ran.algorithm
        key = (layer, algorithm, schedule)
        if key not in self._known:
            again = self._driver.run(layer, algorithm, schedule, 2, self._plugin)
            if again is None or again.order != ran.order:
                raise InfrastructureError(
                    f"{layer.name} {ran.algorithm}: {schedule} is not what the library chose", "repeat it by hand"
                )
            self._known[key] = self._plugin.counts()
        return self._known[key]

    def _system(self, core: Core) -> Path:
        """A folder whose sys/ tells the core's L2 cache as the first of all: a program under qemu sees this before the
        machine's own."""
        folder = self._folder / "systems" / core.name.replace(" ", "_").replace(",", "")
        for cpu in os.sched_getaffinity(0):
            index = folder / f"sys/devices/system/cpu/cpu{cpu}/cache/index0"
            index.mkdir(parents=True, exist_ok=True)
            (index / "level").write_text("2\n")
            (index / "size").write_text(f"{core.l2.size // 1024}K\n")
            for other in range(1, 8):  # what is missing here the emulator takes from this machine: its L3 cache
                index.with_name(f"index{other}").mkdir(exist_ok=True)
                (index.with_name(f"index{other}") / "level").write_text("0\n")
        return folder


def excess(lines: dict[str, float | None]) -> float | None:
    """Lines of the published im2col over those of the better order of its whole matrix, by column; None where there is
    no figure."""
    published, panels, pixels = (lines.get(column) for column in (PUBLISHED, PANELS, PIXELS))
    if published is None or panels is None or pixels is None:
        return None
    better = min(panels, pixels)
    return published / better if better else (1.0 if published == 0 else float("inf"))
