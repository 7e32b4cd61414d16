"""Gates and series under load on virtual phones with one, two and four clusters, in a warm room, and with throttling.

Emulation has no speed of its own: what the clock under load is, the phone's cpufreq tells, and native/tests/test_gate.c
shows the rule where time is simulated.
"""

from __future__ import annotations

import copy
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.lab import controls, rehearsal
from harness.model.device_model import load_device_model
from harness.paths import data_root

pytestmark = pytest.mark.integration

QUICK = {"launches": 3, "rounds": 3, "min_ms": 8, "block_budget_s": 10, "gate_cap_s": 120, "gate_share": 0.25}


def model_with(clusters: int, folder: Path) -> str:
    """A model with so many clusters, made of a shipped one's."""
    base = "pixel-8" if clusters > 2 else "galaxy-s8"
    values = yaml.safe_load((data_root() / "configs" / "devices" / f"{base}.yaml").read_text())
    if clusters == 1:
        del values["clusters"][1:]
    if clusters == 4:  # the middle one's four cores as two pairs
        (middle,) = (each for each in values["clusters"] if each["cpus"] == [4, 5, 6, 7])
        values["clusters"].insert(2, {**copy.deepcopy(middle), "cpus": [6, 7], "policy": 6})
        middle["cpus"] = [4, 5]
    path = folder / f"phone-{clusters}.yaml"
    path.write_text(yaml.safe_dump(values))
    assert len(load_device_model(str(path)).clusters) == clusters
    return str(path)


@pytest.fixture(scope="module", params=[1, 4], ids=lambda n: f"{n}-clusters")
def first_run(
    request: pytest.FixtureRequest, bench_in: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, Any]]:
    """The first run of a phone that nothing is known of, in small layers."""
    folder = tmp_path_factory.mktemp("clusters")
    bench = bench_in(folder)
    with bench.lab.phone(model_with(request.param, folder)) as phone:
        done = bench("run", bench.suite("point", **QUICK), "--device", phone.serial, "--out", "run")
        assert done.code == 0, done.err
        yield request.param, bench
        bench.end()


def test_a_first_run_waits_a_quarter_of_the_time_at_most(first_run: tuple[int, Any]) -> None:
    clusters, bench = first_run
    assert len({gate["cluster"] for gate in bench.run.records("gate")}) == clusters
    waits_a_quarter_at_most(bench)
    assert "Waiting for a cool device" in (bench.run.path / "report.html").read_text()


def waits_a_quarter_at_most(bench: Any) -> None:
    """By its gates, of which none is at its cap."""
    gates, jobs = bench.run.records("gate"), bench.run.records("job")
    waited, measured = (sum(each[key] for each in found) for found, key in ((gates, "waited_s"), (jobs, "elapsed_s")))
    readings = 0.7 * len(gates)  # what one takes is not bounded, and these launches last no second
    assert waited <= 0.25 * (waited + measured) + readings, (waited, measured)
    assert not [gate for gate in gates if gate["status"] not in ("passed", "spent")]


def test_a_phone_that_is_cool_is_not_made_to_wait(first_run: tuple[int, Any]) -> None:
    _, bench = first_run
    gates = bench.run.records("gate")
    assert {gate["clock"] for gate in gates} <= {"cpufreq", ""}, "the host's own clock is never taken for the phone's"
    of_the_phone = [gate for gate in gates if gate["clock"]]
    assert of_the_phone and {gate["status"] for gate in of_the_phone} == {"passed"}
    assert max(gate["waited_s"] for gate in gates) < 4


def test_a_phone_that_throttles_under_load(bench: Any) -> None:
    """Its clock and its temperature go the way of its thermal model, and its battery tells of the energy."""
    sustained = "{seconds: 10, window_s: 1}"
    suite = bench.suite("body", launches=1, gate_cap_s=6, gate_share=0.5, sustained=sustained)
    file = bench.folder / suite
    file.write_text(f"mode: sustained\nalgorithms: [im2col, indirect]\n{file.read_text()}")
    with bench.lab.phone("pixel-3") as phone:
        with bench.lab.active():
            rehearsal.put_on(phone, "throttle=32", "charger=none")
        done = bench("run", suite, "--device", phone.serial, "--clusters", "4-7", "--out", "run")
        assert done.code == 0, done.err
        bench.is_clean(phone)
    rows = list(csv.DictReader((bench.run.path / "sustained.csv").open()))
    assert {(row["algorithm"], row["status"]) for row in rows} == {("im2col", "ok"), ("indirect", "ok")}
    for row in rows:
        assert float(row["last_mhz"]) < float(row["first_mhz"])
        assert float(row["last_c"]) > float(row["first_c"])
        assert (row["energy_source"], row["energy_reason"]) == ("current_now", "")
        assert 1 < float(row["watts"]) < 10  # 0.15 A and 0.9 A more for each busy CPU, at 4.1 V
    windows = list(csv.DictReader((bench.run.path / "windows.csv").open()))
    assert len(windows) >= 10
    assert {row["status"] for row in csv.DictReader((bench.run.path / "results.csv").open())} <= {"skip"}
    assert len(bench.run.records("gate")) == 2
    html = (bench.run.path / "report.html").read_text()
    assert "Throughput and clock over time" in html and 'data-source="windows.csv:1:mhz"' in html


def test_no_gate_is_at_its_cap_in_a_room_that_is_seven_degrees_warmer(bench: Any) -> None:
    suite = bench.suite("point", **QUICK)
    with bench.lab.phone("galaxy-s8") as phone:
        for celsius in (27.0, 34.0):
            with bench.lab.active():
                controls.set_temperature(phone, celsius)
            done = bench("run", suite, "--device", phone.serial, "--out", f"at-{celsius:.0f}")
            assert done.code == 0, done.err
            bench.run.path = bench.folder / f"at-{celsius:.0f}"
            gates = bench.run.records("gate")
            assert {gate["status"] for gate in gates} == {"passed"}
            assert max(gate["waited_s"] for gate in gates) < 15
            waits_a_quarter_at_most(bench)  # of the first run as well as of the next one
    assert {gate["baseline"] for gate in gates} == {27.0}
