"""The ceiling: padding raises it, stores lower it; rows come from one thread's comparisons alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import bound
from harness.errors import UsageError
from harness.model.layer import Layer

pytestmark = pytest.mark.unit


def layer(**changes: Any) -> Layer:
    values = {"name": "x", "h": 7, "w": 7, "kh": 3, "kw": 3, "pad": 1, "cin": 64, "cout": 64} | changes
    return Layer.model_validate(values)


def test_padding_raises_the_ceiling() -> None:
    # Of 7 x 3 taps along an axis 19 lie inside.
    assert bound.inside(7, 7, 3, 1, 1, 1) == pytest.approx(19 / 21)
    assert bound.ceiling(layer(), 0) == pytest.approx(100 * (21 / 19) ** 2)
    assert bound.ceiling(layer(kh=1, kw=1, pad=0), 0) == 100


def test_stores_lower_it() -> None:
    """Two multiplications a store: 3 % of 64 products."""
    assert bound.ceiling(layer(kh=1, kw=1, pad=0), 2) == pytest.approx(100 * 64 / 66)


@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    before=st.integers(0, 4),
)
def test_inside_is_a_share(size: int, kernel: int, stride: int, dilation: int, before: int) -> None:
    out = (size + 2 * before - (kernel - 1) * dilation - 1) // stride + 1
    if out < 1:
        return
    share = bound.inside(size, out, kernel, stride, dilation, before)
    assert 0 <= share <= 1
    assert before or share == 1


def table(**changes: Any) -> dict[str, Any]:
    answer = {
        "threads": 1,
        "layer": "x",
        "ours": "ours auto",
        "misconfigured": False,
        "ratio": {"value": 1.1},
        "again": None,
    } | changes
    return {
        "layers": [layer().model_dump(mode="json")],
        "rows": [
            {"threads": 2, "layer": "x", "variant": "ours auto", "percent": 1.0, "mode": "x"},
            {"threads": 1, "layer": "x", "variant": "ours auto", "percent": 110.0, "mode": "indirect/avx512_6x64"},
        ],
        "comparisons": {"ours / best peer": [answer]},
    }


def test_rows() -> None:
    (row,) = bound.rows_of(table(), {"avx512": 2.0, "avx2": 0.5})
    assert (row.auto, row.ratio) == (110.0, 1.1)
    assert row.ceiling == pytest.approx(122.16, abs=0.01)
    assert row.with_stores == pytest.approx(100 / ((19 / 21) ** 2 + 2 / 576))
    (again,) = bound.rows_of(table(again={"value": 1.05}), {"avx512": 2.0})
    assert again.ratio == 1.05
    for absent in ({"threads": 2}, {"misconfigured": True}, {"ours": "ours indirect/x"}):
        assert bound.rows_of(table(**absent), {"avx512": 2.0}) == []


def test_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound, "measured_stores", lambda: {"avx2": 0.5})
    for text in ("", "[]", "{}", json.dumps(table() | {"layers": [{"name": "x"}]}), json.dumps(table(threads=2))):
        file = tmp_path / "peers.json"
        file.write_text(text)
        with pytest.raises(UsageError, match=r"peers\.json"):
            bound.command(file)
    with pytest.raises(UsageError, match="bench-peers"):
        bound.command(tmp_path / "absent.json")


def test_layers_of_an_unknown_peak_are_left_out() -> None:
    unknown = table()
    unknown["rows"][1]["percent"] = None
    assert bound.rows_of(unknown, {}) == []


def test_prints_the_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bound, "measured_stores", lambda: {"avx512": 2.0})
    file = tmp_path / "peers.json"
    file.write_text(json.dumps(table()))
    bound.command(file)
    assert "auto / best peer: 1.100; at the ceiling it would be 1.222, with stores 1.216" in capsys.readouterr().out
