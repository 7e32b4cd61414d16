"""Stamped conditions from events: each once, nothing in them trusted."""

from __future__ import annotations

import csv
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.export.formats import TABLES
from harness.model.condition import Condition
from harness.results.results import make_results
from harness.results.stamps import read_stamps

pytestmark = pytest.mark.unit

HOT = {"event": "condition", **Condition("HOT", "the battery has 50.0 °C").as_json()}


def test_each_name_once_as_it_was_seen_first() -> None:
    other = {**HOT, "what": "later"}
    (stamp,) = read_stamps([{"event": "started"}, HOT, other, {**HOT, "name": "<b>"}, {**HOT, "name": 7}])
    assert (stamp.name, stamp.what, stamp.usual) == ("HOT", "the battery has 50.0 °C", False)


VALUES = st.one_of(st.none(), st.booleans(), st.text(), st.lists(st.text()), st.integers())


@given(st.lists(st.dictionaries(st.sampled_from(["event", "name", "what", "why", "remedy", "usual"]), VALUES)))
def test_any_events(events: list[dict[str, Any]]) -> None:
    for stamp in read_stamps([{**event, "event": "condition"} for event in events]):
        assert stamp.name.isascii() and "+" not in stamp.name
        assert len(stamp.what) <= 500 and "\n" not in stamp.what


def test_rows_carry_the_names_of_their_device(synthetic: ModuleType, tmp_path: Path) -> None:
    phones = [
        synthetic.Phone(emulated=True, conditions=[Condition("EMULATED", ""), Condition("LOW_BATTERY", "at 3 %")]),
        synthetic.Phone(name="clean", model="Clean"),
    ]
    run = synthetic.make_run(tmp_path / "run", phones, synthetic.LAYERS[:1], launches=1, rounds=1)
    results = make_results(run)
    (table,) = [table for table in results.tables() if table.name == "results"]
    rows = list(csv.DictReader(TABLES["csv"](table).splitlines()))
    assert "conditions" in table.columns
    assert {row["device"]: row["conditions"] for row in rows} == {"pixel-3": "EMULATED+LOW_BATTERY", "clean": ""}
    assert [device.mark for device in results.run.devices] == ["EMULATED, LOW_BATTERY", ""]
