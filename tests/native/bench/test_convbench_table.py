"""A plan with a tuned table: auto goes by it, on record; a table that does not fit is refused and the model chooses."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Check, Layer, Worker

pytestmark = pytest.mark.native

SLOW = "im2col_scalar_4x4"  # what no model chooses


def signed(lines: list[str]) -> str:
    """A table's text with the sum that fits its lines (native/src/choice/tuned_load.c)."""
    text = "\n".join([*lines, f"end {len(lines) - 1} "])
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{text}{value:016x}\n"


@pytest.fixture
def auto(plan: Any, make_layer: Callable[..., str]) -> Any:
    """A plan for auto alone on two layers, which measures next to nothing."""
    plan.algorithms = ("auto",)
    plan.layers = (make_layer("a", 7, 7, 8, 16), make_layer("b", 6, 6, 8, 16))
    plan.measure["budget_s"] = 0.05
    plan.rounds = 1
    return plan


def table_of(program: Path, auto: Any, folder: Path) -> list[str]:
    """The lines that convbench tune writes for layer a, without the end, and with another choice."""
    path, layers, auto.layers = folder / "t.plan", auto.layers, auto.layers[:1]
    path.write_text(auto.text())
    auto.layers = layers
    subprocess.run([program, "tune", path, "--out", folder / "t.tuned"], check=True, stdout=subprocess.DEVNULL)
    head, layer, _ = (folder / "t.tuned").read_text().splitlines()
    return [head, f"{layer.rpartition(' ')[0]} {SLOW}"]


def with_table(auto: Any, folder: Path, text: str) -> str:
    """Lets the plan name a table of that text; its SHA-256."""
    (folder / "a b.tuned").write_text(text)
    auto.extra = [f"tuned path={folder}/a%20b.tuned"]
    return sha256(text.encode()).hexdigest()


def test_auto_goes_by_the_table_where_it_has_the_layer(
    auto: Any, convbench: Path, run: Callable[..., Any], tmp_path: Path
) -> None:
    expected = with_table(auto, tmp_path, signed(table_of(convbench, auto, tmp_path)))
    auto.launches = auto.measure["launches"] = 2
    done = run(auto)
    assert done.code == 0, done.stderr
    assert [(w.table.sha256, w.table.refused) for w in done.of(Worker)] == [(expected, "")] * 2
    chosen = {(layer.layer, layer.chosen_by, layer.variant == f"auto/{SLOW}") for layer in done.of(Layer)}
    assert chosen == {("a", "table", True), ("b", "model", False)}
    assert all(check.ok for check in done.of(Check))


def test_without_one_the_model_chooses(auto: Any, run: Callable[..., Any]) -> None:
    auto.algorithms = ("indirect", "auto")
    done = run(auto)
    assert [worker.table for worker in done.of(Worker)] == [None]
    chosen = {(layer.variant.startswith("auto/"), layer.chosen_by) for layer in done.of(Layer)}
    assert chosen == {(False, ""), (True, "model")}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda head, layer: signed([head.replace(head.split()[3], "x86:Other:1:1:1:none"), layer]), "another CPU"),
        (lambda head, layer: signed([head.replace(f" {head.split()[2]} ", " 9.1.0 "), layer]), "another version"),
        (lambda head, layer: signed([head, layer])[:-20], "damaged"),
        (lambda head, layer: signed([head, layer]).replace("cin=8", "cin=9"), "damaged"),
        (lambda head, layer: "", "damaged"),
        (lambda head, layer: "no table\n", "damaged"),
    ],
    ids=["cpu", "version", "cut", "changed", "empty", "none"],
)
def test_a_table_that_does_not_fit_is_refused(
    auto: Any, convbench: Path, run: Callable[..., Any], tmp_path: Path, change: Callable[..., str], reason: str
) -> None:
    expected = with_table(auto, tmp_path, change(*table_of(convbench, auto, tmp_path)))
    done = run(auto)
    assert done.code == 0, done.stderr
    (worker,) = done.of(Worker)
    assert worker.table.sha256 == expected and reason in worker.table.refused
    assert {layer.chosen_by for layer in done.of(Layer)} == {"model"}


def test_a_table_that_is_not_there(auto: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    auto.extra = [f"tuned path={tmp_path}/nowhere"]
    done = run(auto)
    (worker,) = done.of(Worker)
    assert done.code == 0
    assert (worker.table.sha256, worker.table.refused) == (
        "",
        "the tuned table cannot be read: No such file or directory",
    )


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["tuned path=/a", "tuned path=/b"], "plan line 6: a second 'tuned' line"),
        (["tuned"], "plan line 5: key 'path' is missing"),
        (["tuned path=/a sha256=0"], "plan line 5: unknown key 'sha256' in 'tuned'"),
    ],
)
def test_a_wrong_line(auto: Any, run: Callable[..., Any], lines: list[str], reason: str) -> None:
    auto.extra = lines
    done = run(auto)
    assert done.code == 2 and done.records == [] and done.stderr.strip() == reason


def test_on_arm64(auto: Any, arm64_convbench: Path, run: Callable[..., Any], tmp_path: Path) -> None:
    expected = with_table(auto, tmp_path, signed(table_of(arm64_convbench, auto, tmp_path)))
    auto.exe = str(arm64_convbench)
    done = run(auto, program=arm64_convbench)
    assert done.code == 0, done.stderr
    assert [(w.table.sha256, w.table.refused) for w in done.of(Worker)] == [(expected, "")]
    assert {(layer.layer, layer.chosen_by) for layer in done.of(Layer)} == {("a", "table"), ("b", "model")}
    auto.exe = ""
    (here,) = run(auto).of(Worker)
    assert here.table.sha256 == expected and "another CPU" in here.table.refused
