"""A layer in simulated caches: what the library is told of the core, and how often a matrix passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from benchmarks.aarch64.cores import CORES
from benchmarks.aarch64.driver import Driver
from benchmarks.aarch64.lines import LineCounter, Moved
from benchmarks.aarch64.panel import PanelLayer
from benchmarks.aarch64.tools import plugin_qemu
from harness.errors import InfrastructureError
from harness.toolchain.builder import Built

if TYPE_CHECKING:
    from tests.native.conftest import Builds

pytestmark = pytest.mark.native

A53 = CORES[0]
LAYER = PanelLayer(28, 3, 1, 1, 32, 64)
MATRIX = 28 * 28 * 9 * 32 * 4 // 64  # lines; more than any of the L2 caches has
OTHER = (28 * 28 * (32 + 64) + 9 * 32 * 64 + 64) * 4 // 64  # input, output, weights
PANELS = 4


@pytest.fixture(scope="module")
def counter(
    native_builds: Builds, cannot_run: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> LineCounter:
    try:
        plugin_qemu()
    except InfrastructureError as error:
        cannot_run(str(error))
    folder = native_builds("arm64").folder
    built = Built(folder / "bench/convbench", folder / "libindirectconv.a", "", "zig", "arm64-v8a", 0, False)
    out = tmp_path_factory.mktemp("lines")
    return LineCounter(out, Driver(out, built))


def moved(counter: LineCounter, schedule: str, core: int = 0, algorithm: str = "im2col") -> Moved:
    found = counter.moved(LAYER, CORES[core], algorithm, schedule)
    assert found is not None
    return found


@pytest.mark.parametrize("core", range(len(CORES)))
def test_the_library_knows_the_core_and_its_cache(counter: LineCounter, core: int) -> None:
    best = moved(counter, "best", core).ran
    assert best.l2_bytes == CORES[core].l2.size
    assert best.schedule.startswith("neon_8x8_a53" if CORES[core] is A53 else "neon_6x16")


def test_a_whole_matrix_passes_once_or_once_for_each_panel(counter: LineCounter) -> None:
    by_pixel, by_panel = (moved(counter, f"neon_6x16+{order}") for order in ("pixels", "panels"))
    assert (by_pixel.ran.order, by_panel.ran.order) == ("pixels", "panels")
    for found, times in ((by_pixel, 1), (by_panel, PANELS)):
        assert found.flows["l2_stores"] >= MATRIX
        assert times * MATRIX <= found.flows["l2_loads"] <= times * (MATRIX + OTHER)
        assert found.beyond_l1 >= found.beyond_l2


def test_published_is_one_of_the_orders(counter: LineCounter) -> None:
    published = moved(counter, "-", 2)
    named = moved(counter, f"{published.ran.schedule}+{published.ran.order}", 2)
    assert published.flows == named.flows


def test_what_the_library_refuses_has_no_figures(counter: LineCounter) -> None:
    assert counter.moved(LAYER, A53, "direct", "-") is None
