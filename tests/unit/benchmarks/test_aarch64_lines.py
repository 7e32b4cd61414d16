"""Cache lines: which rows break the bound on the published im2col, and the tables."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.aarch64.cores import CORES
from benchmarks.aarch64.lines import PANELS, PIXELS, PUBLISHED, excess
from benchmarks.aarch64.lines_table import is_over, lines_text, ratio
from benchmarks.aarch64.tables import changes

pytestmark = pytest.mark.unit


def row(published: int, panels: int, pixels: int, fits: bool = True) -> dict[str, Any]:
    def column(lines: int) -> dict[str, Any]:
        return {"ran": "neon_6x16", "order": "pixels", "weights": 65536, "l1": 10 * lines, "l2": lines, "written": 7}

    columns = {PUBLISHED: column(published), PANELS: column(panels), PIXELS: column(pixels)}
    layer = {"layer": "7 3x3 512-512", "macs": 1_000_000, "height": 7, "cut": False}
    return {**layer, "core": CORES[0].name, "fits": fits, "columns": columns}


def result(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"qemu": "7.2", "llvm": 22, "kernels": [], "loops": [], "executed": [], "lines": list(rows)}


@pytest.mark.parametrize(
    ("published", "panels", "pixels", "wanted"),
    [(115, 100, 300, 1.15), (300, 300, 200, 1.5), (0, 0, 0, 1.0), (1, 0, 5, float("inf"))],
)
def test_published_by_the_better_order(published: int, panels: int, pixels: int, wanted: float) -> None:
    assert excess({PUBLISHED: published, PANELS: panels, PIXELS: pixels}) == wanted
    assert ratio(row(published, panels, pixels)) == wanted


def test_no_ratio_without_both_orders() -> None:
    assert excess({PUBLISHED: 1, PANELS: 2}) is None


def test_the_bound_is_for_weights_that_fit() -> None:
    assert not is_over(row(115, 100, 300))
    assert is_over(row(116, 100, 300))
    assert not is_over(row(116, 100, 300, fits=False))


def test_tables_hold_the_figures_and_name_what_is_over() -> None:
    text = "\n".join(lines_text(result(row(400, 300, 200))))
    assert "Where the packed weights fit L2 (1 rows)" in text
    assert "Over: 7 3x3 512-512 on A53: 2.00." in text
    assert "| 7 3x3 512-512 | 64 | pixels | 200.0 | 150.0 | 100.0 | - | - | - | - | - | 2.00 **over** |" in text
    assert "| 7 3x3 512-512 | 64 | pixels | 2000.0 | 1500.0 | 1000.0 | - | - | - | - | - |" in text
    assert "Left out: prefetching" in text
    assert "Over: none." in "\n".join(lines_text(result(row(200, 300, 200), row(400, 300, 200, fits=False))))
    assert "| 64, over L2 |" in "\n".join(lines_text(result(row(400, 300, 200, fits=False))))


def test_changes_since_a_baseline() -> None:
    before, now = result(row(200, 300, 200)), result(row(300, 300, 200))
    assert changes(now, before) == ["7 3x3 512-512, A53, im2col published: lines from beyond L2: 200 -> 300 (+50.0%)"]
