"""Faults in the middle of a run: workers that die or hang, heat, a broken connection, a reboot."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from harness.lab import controls
from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration

ONE = ("--clusters", "4-7")


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    """The one phone of this lab: no --device is needed."""
    with lab.phone() as made:
        yield made


def test_workers_that_die_or_hang_end_only_their_variant(bench: Any, phone: PhoneHandle) -> None:
    signals = {"pixel-3": "SEGV", "sm-g950f": "STOP"}
    with bench.lab.phone("galaxy-s8") as other:
        phones = {"pixel-3": phone, "sm-g950f": other}
        began = bench.begin(bench.suite(launches=2, rounds=6, min_ms=300, block_budget_s=600), *ONE)
        for name, signal in signals.items():
            began.until_samples(1, name)
            pid = bench.run.records("worker", name)[0]["pid"]
            bench.lab.shell(phones[name], f"kill -{signal} {pid}")
        code, said = began.end()
        assert code == 3
        for name in signals:
            (error,) = bench.run.records("error", name)
            assert error["variant"] in said
            counts = Counter((launch, variant) for _, launch, _, _, _, variant, _, _ in bench.run.samples(name))
            names = {variant for _, variant in counts}
            assert len(names) == 2
            for variant in names - {error["variant"]}:
                assert [counts[launch, variant] for launch in (0, 1)] == [6, 6]
            assert counts[0, error["variant"]] < 6
            assert counts[1, error["variant"]] == 6
            assert bench.run.records("end", name)[-1]["reason"] == "done"
            bench.is_clean(phones[name])
        assert bench.run.records("error", "pixel-3")[0]["signal"] == 11
        assert "timed out" in bench.run.records("error", "sm-g950f")[0]["reason"]


def test_heat_above_the_baseline_is_waited_for(bench: Any, phone: PhoneHandle) -> None:
    assert bench("run", bench.suite(), *ONE, "--out", "cool").code == 0  # its baseline: 27 degrees
    controls.set_temperature(phone, 34.0)
    began = bench.begin(bench.suite(gate_cap_s=60), *ONE)
    began.until(lambda run: run.records("check"))
    for celsius in (33.0, 31.0, 29.0, 27.5):
        time.sleep(0.7)
        controls.set_temperature(phone, celsius)
    code, said = began.end()
    assert code == 0, said
    (gate,) = bench.run.records("gate")
    assert gate["status"] == "passed"
    assert (gate["from"], gate["baseline"]) == (34.0, 27.0)
    assert gate["to"] <= 28.0
    assert gate["waited_s"] > 1.0


def test_heat_that_stays_hits_the_cap(bench: Any, phone: PhoneHandle) -> None:
    assert bench("run", bench.suite(), *ONE, "--out", "cool").code == 0
    controls.set_temperature(phone, 40.0)
    done = bench("run", bench.suite(gate_cap_s=1.5), *ONE, "--out", "run")
    controls.set_temperature(phone, 27.0)
    assert done.code == 0, done.err
    (gate,) = bench.run.records("gate")
    assert (gate["status"], gate["capped"], gate["to"]) == ("capped", True, 40.0)
    assert gate["waited_s"] >= 1.5
    assert "the heat gate gave up at its cap" in (bench.run.path / "report.html").read_text()


def test_a_broken_connection_is_waited_out(bench: Any, phone: PhoneHandle) -> None:
    began = bench.begin(bench.suite(launches=2, rounds=100, min_ms=20, block_budget_s=300), *ONE)
    began.until_samples()
    controls.drop_connection(phone)
    began.until(lambda run: "connection back" in run.events(), 30)
    controls.take_offline(phone, 2.0)
    began.until(lambda run: run.events().count("connection lost") == 2, 30)
    bench.lab.wait_until_up(phone)
    code, said = began.end()
    assert code == 0, said
    assert [event for event in bench.run.events() if event.startswith("connection")] == [
        "connection lost",
        "connection back",
    ] * 2
    samples = bench.run.samples()
    assert len(samples) == 2 * 100 * 2
    assert max(samples.values()) == 1
    bench.is_clean(phone)
    bench.run.tell_no_serial(bench.lab.shell(phone, "getprop ro.serialno"))


def test_a_reboot_keeps_what_was_measured(bench: Any, phone: PhoneHandle) -> None:
    before = bench.stay_on(phone)
    began = bench.begin(bench.long_suite(), *ONE)
    began.until_samples(20)
    controls.reboot(phone)
    bench.lab.wait_until_up(phone)
    code, said = began.end(60)
    assert code == 3
    assert "rebooted" in said
    assert "--resume" in said
    kept = bench.run.samples()
    assert sum(kept.values()) >= 20
    assert bench.stay_on(phone) == before
    bench.is_clean(phone)
    bench.run.shorten(2)
    done = bench("run", "--resume", "run")
    assert done.code == 0, done.err
    after = bench.run.samples()
    assert kept <= after
    assert max(after.values()) == 1
    assert {key[1] for key in after} == {0, 1, 2}
    bench.is_clean(phone)
    bench.run.tell_no_serial(bench.lab.shell(phone, "getprop ro.serialno"))
