"""Faults in the middle of a run: workers that die or hang, heat, a broken connection, a reboot."""

from __future__ import annotations

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.lab import controls
from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration

ONE = ("--clusters", "4-7")


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    with lab.phone() as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def hung(bench_in: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A run on a phone of its own whose worker was stopped: given up after a minute, while other tests run."""
    bench = bench_in(tmp_path_factory.mktemp("hung"))
    with bench.lab.phone("galaxy-s8") as other:
        began = begin_with_signal(bench, other, "STOP")
        yield bench, other, began
        bench.end()


@pytest.fixture(scope="module", autouse=True)
def warm(bench_in: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A run of a minute on a phone of its own, which is warmer than in the run before and gets hot; others go on."""
    bench = bench_in(tmp_path_factory.mktemp("warm"))
    with bench.lab.phone("pixel-2-xl") as other, ThreadPoolExecutor(1) as thread:
        yield bench, thread.submit(in_a_warm_room, bench, other)
        bench.end()


def in_a_warm_room(bench: Any, phone: PhoneHandle) -> tuple[int, str]:
    """A run at 27 degrees and one at 34, with heat in it: exit code and stderr of the second."""
    here = (*ONE, "--device", phone.serial)
    began = bench.begin(bench.suite(gate_cap_s=60), *here)  # it rests at 27 degrees
    code, said = began.end()
    assert code == 0, said
    shutil.rmtree(bench.run.path)
    controls.set_temperature(phone, 34.0)
    began = bench.begin(bench.suite(launches=3, rounds=4, min_ms=300, gate_cap_s=60), *here)
    began.until(lambda run: len(run.records("gate")) == 1)
    controls.set_temperature(phone, 41.0)
    began.until(lambda run: run.records("job"))
    time.sleep(1.0)
    controls.set_temperature(phone, 34.5)
    ended: tuple[int, str] = began.end()
    return ended


@pytest.fixture
def here(phone: PhoneHandle) -> tuple[str, ...]:
    """Options for one cluster of the shared phone."""
    return (*ONE, "--device", phone.serial)


def begin_with_signal(bench: Any, phone: PhoneHandle, name: str) -> Any:
    """A run in progress whose first worker got a signal in the middle of a sample."""
    suite = bench.suite(launches=2, rounds=6, min_ms=150, block_budget_s=600)
    began = bench.begin(suite, *ONE, "--device", phone.serial)
    began.until_samples(1)
    bench.lab.shell(phone, f"kill -{name} {bench.run.records('worker')[0]['pid']}")
    return began


def only_one_variant_ended(bench: Any, phone: PhoneHandle, began: Any) -> dict[str, Any]:
    """Looks at what a worker's end left; the error."""
    code, said = began.end()
    assert code == 3
    (error,) = bench.run.records("error")
    assert error["variant"] in said
    counts = Counter((launch, variant) for _, launch, _, _, _, variant, _, _ in bench.run.samples())
    (other,) = {variant for _, variant in counts} - {error["variant"]}
    assert [counts[launch, other] for launch in (0, 1)] == [6, 6]
    assert counts[0, error["variant"]] < 6
    assert counts[1, error["variant"]] == 0  # what crashed or hung is not risked again
    assert bench.run.records("end")[-1]["reason"] == "done"
    bench.is_clean(phone)
    return dict(error)


def test_a_worker_that_dies_ends_only_its_variant(bench: Any, phone: PhoneHandle) -> None:
    error = only_one_variant_ended(bench, phone, begin_with_signal(bench, phone, "SEGV"))
    assert error["signal"] == 11


def test_heat_that_stays_hits_the_cap(bench: Any, phone: PhoneHandle, here: Any) -> None:
    began = bench.begin(bench.suite(launches=2, rounds=4, min_ms=100, gate_cap_s=1.5, gate_share=0.9), *here)
    began.until_samples(1)
    controls.set_temperature(phone, 40.0)
    code, said = began.end()
    controls.set_temperature(phone, 27.0)
    assert code == 0, said
    first, second = bench.run.records("gate")
    assert (first["status"], first["clock"], first["learned"]) == ("passed", "cpufreq", 27.0)
    assert (second["status"], second["capped"], second["plateau"], second["to"]) == ("capped", True, 27.0, 40.0)
    assert second["waited_s"] >= 1.5
    assert "the heat gate gave up at its cap" in (bench.run.path / "report.html").read_text()


def test_a_broken_connection_is_waited_out(bench: Any, phone: PhoneHandle, here: Any) -> None:
    began = bench.begin(bench.suite(launches=2, rounds=40, min_ms=20, block_budget_s=300), *here)
    began.until_samples()
    controls.drop_connection(phone)  # may be back before anybody has noticed
    began.until_samples(len(bench.run.records("sample")) + 5)
    lost = bench.run.events().count("connection lost")
    controls.take_offline(phone, 2.0)
    began.until(lambda run: run.events().count("connection lost") > lost)
    bench.lab.wait_until_up(phone)
    code, said = began.end()
    assert code == 0, said
    assert bench.run.events().count("connection back") == lost + 1
    samples = bench.run.samples()
    assert len(samples) == 2 * 40 * 2
    assert max(samples.values()) == 1
    bench.is_clean(phone)
    bench.run.tell_no_serial(bench.lab.shell(phone, "getprop ro.serialno"))


def test_a_reboot_keeps_what_was_measured(bench: Any, phone: PhoneHandle, here: Any) -> None:
    before = bench.stay_on(phone)
    began = bench.begin(bench.long_suite(), *here)
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


def test_interrupt_while_the_phone_is_away(bench: Any, phone: PhoneHandle, here: Any) -> None:
    before = bench.stay_on(phone)
    began = bench.begin(bench.long_suite(), *here)
    began.until(lambda run: "installed" in run.events())
    controls.take_offline(phone, 1.0)  # while a source of heat is looked for
    began.until(lambda run: "connection lost" in run.events())
    bench.lab.wait_until_up(phone)
    began.until_samples()
    lost = bench.run.events().count("connection lost")
    controls.take_offline(phone, 2.0)
    began.until(lambda run: run.events().count("connection lost") > lost)
    began.process.send_signal(signal.SIGINT)
    bench.lab.wait_until_up(phone)
    code, said = began.end(30)
    assert code == 130, said
    assert "not put back" not in said
    assert bench.run.events().count("connection back") == lost + 1
    assert max(bench.run.samples().values()) == 1
    assert bench.stay_on(phone) == before
    bench.is_clean(phone)


def test_a_phone_that_stays_away_is_left_to_resume(bench: Any, phone: PhoneHandle, here: Any) -> None:
    """Ctrl-C with the cable pulled: what waits on the phone is said, and resume puts everything right."""
    before = bench.stay_on(phone)
    began = bench.begin(bench.long_suite(lost_cap_s=4), *here)
    began.until_samples()
    controls.take_offline(phone, 12.0)
    began.until(lambda run: "connection lost" in run.events())
    began.process.send_signal(signal.SIGINT)
    code, said = began.end()
    assert code == 130, said
    assert "not put back yet" in said
    assert "harness restore" in said
    assert "--resume" in said
    assert "left for resume" in bench.run.events()
    kept = bench.run.samples()
    bench.lab.wait_until_up(phone)
    assert bench.stay_on(phone) == "7"
    bench.run.shorten(2)
    done = bench("run", "--resume", "run", "--device", phone.serial)
    assert done.code == 0, done.err
    assert kept <= bench.run.samples()
    assert max(bench.run.samples().values()) == 1
    assert "orphan taken over" in bench.run.events()
    assert bench.stay_on(phone) == before
    bench.is_clean(phone)


def test_a_worker_that_hangs_ends_only_its_variant(hung: Any) -> None:
    error = only_one_variant_ended(*hung)
    assert "timed out" in error["reason"]


def test_a_warm_room_is_not_waited_for_and_heat_of_the_run_is(warm: Any) -> None:
    bench, ended = warm
    code, said = ended.result()
    assert code == 0, said
    first, second, third = bench.run.records("gate")
    assert {gate["status"] for gate in (first, second, third)} == {"passed"}
    assert (first["plateau"], first["learned"], first["baseline"]) == (None, 34.0, 27.0)
    assert 4 <= first["waited_s"] < 15  # a look, since the clock is the one that the system names
    assert (second["from"], second["to"], second["plateau"]) == (41.0, 34.5, 34.0)
    assert third["waited_s"] < first["waited_s"]
    for text in (said, (bench.run.path / "report.html").read_text()):
        assert "34.0 °C" in text and "hotter than in any run before (27.0 °C)" in text
