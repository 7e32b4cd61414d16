"""The assembly kernels for arm64 by themselves: bits, bounds, registers, and how well they issue."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from benchmarks.aarch64.inorder import cycles
from benchmarks.aarch64.loops import main_loops

if TYPE_CHECKING:
    from tests.native.conftest import Builds

pytestmark = pytest.mark.native

BUILDS = ("arm64", "arm64-undefined")
CORES = ("cortex-a53", "cortex-a55")
CASES = ("before_pages", "after_pages", "not_finite")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("build", BUILDS)
def test_kernel(native_builds: Builds, build: str, core: str, case: str) -> None:
    result = native_builds(build).run("test_assembly", case, core)
    assert result.code == 0, result.text


def test_cases_are_all_run(native_builds: Builds) -> None:
    assert sorted(native_builds("arm64").run("test_assembly", "--list").text.split()) == sorted(CASES)


# Of the 4 products per cycle, by height: what XNNPACK's kernels reach in these models is 72 % and 98-100 % at 6 rows.
@pytest.mark.parametrize(("core", "shares"), [("a53", {6: 0.75, 7: 0.75, 8: 0.78}), ("a55", {6: 0.98, 7: 1, 8: 1})])
def test_main_loops_issue_as_laid_out(
    native_builds: Builds, need_tool: Callable[[str], str], core: str, shares: dict[int, float]
) -> None:
    objdump = need_tool("llvm-objdump")
    path = native_builds("arm64").object_file(f"kernels/f32/aarch64/cortex_{core}.S")
    loops = {loop.function.split(":")[1]: loop for loop in main_loops(objdump, path)}
    for rows in range(1, 9):
        loop = loops[f"ic_cortex_{core}_{rows}"]
        assert loop.mix["fma"] == 8 * rows
        assert loop.mix["spills"] == 0
        share = loop.macs / cycles(loop.texts, f"sim-{core}") / 4
        assert share >= shares.get(rows, 0) - 0.003, rows
