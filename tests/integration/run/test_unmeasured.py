"""What was planned and could not be measured is said, and measured at --resume."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from harness.lab import controls
from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    with lab.phone() as made:
        yield made


@pytest.fixture(autouse=True)
def plugged_in(phone: PhoneHandle) -> Iterator[None]:
    yield
    controls.set_online(phone, "0-7")


def test_a_cluster_that_is_offline_at_the_start_and_at_a_resume(bench: Any, phone: PhoneHandle) -> None:
    controls.set_online(phone, "0-3")
    done = bench("run", bench.suite(), "--out", "run")
    assert done.code == 3
    said = "not measured of cluster 4-7 (its CPUs are offline): launch 1: body"
    assert said in done.err
    assert "--resume" in done.err
    assert bench.run.manifest["status"] == "failed"
    assert {record["cluster"] for record in bench.run.records("sample")} == {"0-3"}
    first = bench.run.lines("records.jsonl")
    again = bench("run", "--resume", "run")
    assert again.code == 3
    assert said in again.err
    assert bench.run.lines("records.jsonl") == first
    controls.set_online(phone, "0-7")
    resumed = bench("run", "--resume", "run")
    assert resumed.code == 0, resumed.err
    assert set(bench.run.samples().values()) == {1}
    assert {key[0] for key in bench.run.samples()} == {"0-3", "4-7"}
    assert "nothing missing" in bench("run", "--resume", "run").err


def test_a_thread_whose_cpu_is_away_is_measured_when_it_is_back(bench: Any, phone: PhoneHandle) -> None:
    controls.set_online(phone, "0-4,6-7")
    run = ("run", bench.suite(rounds=1), "--clusters", "4-7", "--threads", "1,4", "--algorithms", "indirect")
    ran = bench(*run, "--out", "run")
    assert ran.code == 3, ran.err
    assert "a thread cannot be pinned to its CPU" in ran.err
    assert {sample["threads"] for sample in bench.run.records("sample")} == {1}
    controls.set_online(phone, "0-7")
    ran = bench("run", "--resume", "run")
    assert ran.code == 0, ran.err
    assert Counter(sample["threads"] for sample in bench.run.records("sample")) == {1: 1, 4: 1}


def test_a_core_that_is_unplugged_in_mid_run_while_another_phone_joins(bench: Any, phone: PhoneHandle) -> None:
    suite = bench.suite(launches=2, rounds=20, min_ms=20, block_budget_s=300)
    began = bench.begin(suite, "--clusters", "4-7", "--device", "all")
    began.until(lambda run: len(run.records("sample", "pixel-3")) >= 3)
    controls.set_online(phone, "0-6")
    began.until(lambda run: run.records("end", "pixel-3"))
    with bench.lab.phone("galaxy-s8") as other:
        began.until(lambda run: "sm-g950f" in run.devices)
        controls.set_online(phone, "0-7")
        code, said = began.end()
        assert code == 0, said
        assert "sm-g950f: joins the run" in said
        assert bench.run.manifest["devices"] == ["pixel-3", "sm-g950f"]
        bench.is_clean(other)
    assert "its CPU 7 was taken away while it was measured: trying again (2 of 3)" in said
    (error,) = bench.run.records("error", "pixel-3")
    assert error["external"] is True
    assert "CPU 7" in error["reason"]
    assert [end["reason"] for end in bench.run.records("end", "pixel-3")] == ["cpu", "done"]
    for name in bench.run.devices:
        complete(bench, name, 20)
    plan = [json.loads(line) for line in (bench.run.path / "plan.jsonl").read_text().splitlines()]
    assert {job["device"] for job in plan} == {"pixel-3", "sm-g950f"}
    bench.is_clean(phone)


def test_a_worker_that_the_system_kills(bench: Any, phone: PhoneHandle) -> None:
    began = bench.begin(bench.suite(launches=2, rounds=4, min_ms=100, block_budget_s=300), "--clusters", "4-7")
    began.until_samples()
    bench.lab.shell(phone, f"kill -9 {bench.run.records('worker')[0]['pid']}")
    code, said = began.end()
    assert code == 0, said
    assert "trying again (2 of 3)" in said
    (error,) = bench.run.records("error")
    assert (error["signal"], error["external"]) == (9, True)
    assert [job["complete"] for job in bench.run.records("job")] == [False, True, True]
    complete(bench, "pixel-3", 4)
    bench.is_clean(phone)


def complete(bench: Any, name: str, rounds: int) -> None:
    """Nothing is missing, and nothing was measured twice."""
    samples = bench.run.samples(name)
    assert set(samples.values()) == {1}
    counts = Counter((launch, variant) for _, launch, _, _, _, variant, _, _ in samples)
    assert set(counts.values()) == {rounds}
    assert len(counts) == 4  # two launches of two variants
