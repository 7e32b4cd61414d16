"""What differs between two runs is refused by name, and stamped where it is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.compare.checks import NAMES, allowed_names
from harness.compare.comparison import compare_runs
from harness.errors import UsageError

pytestmark = pytest.mark.unit

Edit = Callable[[Path, Callable[[Any], object]], None]

MANIFEST: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "unfinished": ("UNFINISHED", lambda m: m.update(status="interrupted"), "NEW is interrupted"),
    "rounds": ("POLICY", lambda m: m["policy"].update(rounds=7), "rounds: 3 in BASE, 7 in NEW"),
    "threshold": ("POLICY", lambda m: m["policy"].update(most_lost=0.1), "most_lost: 0.005 in BASE, 0.1 in NEW"),
    "mode": ("MODE", lambda m: m["policy"].update(cache=["rotate"]), 'cache: ["hot"] in BASE, ["rotate"] in NEW'),
    "compiler": ("TOOLCHAIN", lambda m: m["toolchain"]["arm64-v8a"].update(compiler="gcc"), "gcc in NEW"),
    "flags": ("FLAGS", lambda m: m["toolchain"]["arm64-v8a"].update(flags="-O3"), "null in BASE, -O3 in NEW"),
    "abi": ("TOOLCHAIN", lambda m: m.update(toolchain={"armeabi": {}}), '["arm64-v8a"] in BASE, ["armeabi"] in NEW'),
    "layers": ("LAYERS", lambda m: m["suite"]["layers"][0].update(cout=32), "conv2_3x3 has another shape"),
    "tuned": ("TUNED", lambda m: m.update(tuned={"pixel-3": {"4-7": "ab"}}), "tables: {} in BASE"),
}
DEVICE: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "serial": ("PHONE", lambda d: d["identity"].update(serial="ANOTHER"), "pixel-3: another phone"),
    "unknown": ("PHONE", lambda d: d["identity"].pop("serial"), "pixel-3: nothing tells which it is"),
    "no-identity": ("PHONE", lambda d: d.pop("identity"), "pixel-3: nothing tells which it is"),
    "emulated": ("PHONE", lambda d: d["identity"].update(emulated=True), "emulated: false in BASE, true in NEW"),
    "core": ("TOPOLOGY", lambda d: d["clusters"][0].update(core="Cortex-X1"), "Cortex-X1"),
    "kernel": ("SYSTEM", lambda d: d["identity"].update(kernel="5.0"), "kernel: 4.9.270 in BASE, 5.0 in NEW"),
    "update": ("SYSTEM", lambda d: d["identity"].update(fingerprint="x"), "fingerprint: maker/p/p:12/X/1 in BASE"),
    "governor": ("SYSTEM", lambda d: d["clusters"][0].update(governor="performance"), "governors"),
}


def refused(base: Path, new: Path, name: str, words: str) -> None:
    """Refused by that name with these words; allowed by it, and stamped."""
    with pytest.raises(UsageError) as error:
        compare_runs(base, new)
    assert f"\n  {name}: " in error.value.message and words in error.value.message
    assert f"--allow {name}" in error.value.remedy
    try:
        found = compare_runs(base, new, allowed_names([name]))
    except UsageError as other:
        assert "in common" in other.message  # modes that do not meet
        return
    assert {mismatch.name for mismatch in found.allowed} == {name}
    assert {row.columns["allowed"] for row in found.rows} == {name}
    assert any(remark.startswith(f"compared in spite of {name}: ") for remark in found.remarks)


@pytest.mark.parametrize("case", MANIFEST)
def test_settings(case: str, pair_of_runs: Any, edit_json: Edit) -> None:
    name, change, words = MANIFEST[case]
    base, new = pair_of_runs(launches=4, layers=1)
    edit_json(new / "manifest.json", change)
    refused(base, new, name, words)


@pytest.mark.parametrize("case", DEVICE)
def test_devices(case: str, pair_of_runs: Any, edit_json: Edit) -> None:
    name, change, words = DEVICE[case]
    base, new = pair_of_runs(launches=4, layers=1)
    edit_json(new / "devices" / "pixel-3" / "device.json", change)
    refused(base, new, name, words)


def test_conditions(pair_of_runs: Any) -> None:
    base, new = pair_of_runs(launches=4, layers=1)
    events = [{"event": "condition", "name": name, "usual": usual}
              for name, usual in (("LOW_BATTERY", False), ("CHARGING", True))]  # fmt: skip
    (new / "devices" / "pixel-3" / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    refused(base, new, "CONDITIONS", 'pixel-3: [] in BASE, ["LOW_BATTERY"] in NEW')


@pytest.mark.parametrize(("share", "differs"), [(0.9, True), (1.1, True), (0.97, False)], ids=["low", "high", "alike"])
def test_clocks(share: float, differs: bool, pair_of_runs: Any) -> None:
    """Each run is steady at its own clock, which taints nothing."""
    base, new = pair_of_runs(launches=4, layers=1)
    file = new / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    for record in records:
        if record["type"] == "sample":
            record |= {key: share * record[key] for key in ("mhz_before", "mhz_after")}
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    if differs:
        refused(base, new, "CLOCK", f"pixel-3 CPUs 4-7: 2803 MHz in BASE, {2803 * share:.0f} MHz in NEW")
    else:
        assert compare_runs(base, new).allowed == []


def test_a_run_with_itself(pair_of_runs: Any) -> None:
    base, _ = pair_of_runs(launches=4, layers=1)
    refused(base, base / ".." / "base", "SAME_RUN", "both are 20261121-base")


def test_all_that_differs_is_told_at_once(pair_of_runs: Any, edit_json: Edit) -> None:
    base, new = pair_of_runs(launches=4, layers=1)
    edit_json(new / "manifest.json", lambda m: m["policy"].update(rounds=7, min_ms=5))
    edit_json(new / "devices" / "pixel-3" / "device.json", lambda d: d["identity"].update(serial="8A9X1SERIAL"))
    with pytest.raises(UsageError) as error:
        compare_runs(base, new, ["POLICY"])
    assert "POLICY" not in error.value.message
    with pytest.raises(UsageError) as error:
        compare_runs(base, new)
    assert error.value.message.count("\n  ") == 3
    assert error.value.remedy.endswith("--allow POLICY --allow PHONE")
    assert "8A9X" not in str(error.value)  # no serial number


def test_a_policy_s_name_and_defaults_are_no_difference(pair_of_runs: Any, edit_json: Edit) -> None:
    base, new = pair_of_runs(launches=4, layers=1)
    edit_json(new / "manifest.json", lambda m: m["policy"].update(name="mine", again_share=0.25))
    assert compare_runs(base, new).allowed == []


def test_names_that_there_are_not() -> None:
    with pytest.raises(UsageError, match="--allow WEATHER: nothing has that name") as error:
        allowed_names(["WEATHER"])
    assert error.value.remedy == f"one of: {', '.join(NAMES)}"


def test_of_two_phones_each_is_compared_with_itself(tmp_path: Path, edit_json: Edit) -> None:
    """Two alike, told apart by hashes in one run, listed in another order in the other."""
    for run, names in (("base", ("p-a", "p-b")), ("new", ("p-b", "p-a"))):
        phones = [
            synthetic.Phone(name=name, serial=f"SERIAL-{name}", clusters=(("0-3", "Cortex-A55", 1000 + n),), drift=0.0)
            for n, name in enumerate(names)
        ]
        synthetic.make_run(tmp_path / run, phones, synthetic.LAYERS[1:2], 4, 2, ["hot"], run=run)
    found = compare_runs(tmp_path / "base", tmp_path / "new", ["TOPOLOGY"])
    assert {(row.base.key.device, row.new.key.device) for row in found.rows} == {("p-a", "p-a"), ("p-b", "p-b")}


@pytest.mark.parametrize(("which", "named"), [((0,), "BASE"), ((1,), "NEW"), ((0, 1), "BASE and NEW")])
def test_a_sustained_run_is_compared_with_none(
    which: tuple[int, ...], named: str, pair_of_runs: Any, edit_json: Edit
) -> None:
    runs = pair_of_runs()
    for number in which:
        edit_json(runs[number] / "manifest.json", lambda m: m["suite"].update(mode="sustained"))
    with pytest.raises(UsageError, match=rf"of mode sustained is {named}\n"):
        compare_runs(runs[0], runs[1], allowed_names(NAMES))
