"""What was planned and could not be measured is said, and measured at --resume."""

from __future__ import annotations

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


def test_a_core_that_is_unplugged_in_mid_run(bench: Any, phone: PhoneHandle) -> None:
    began = bench.begin(bench.suite(launches=2, rounds=20, min_ms=20, block_budget_s=300), "--clusters", "4-7")
    began.until_samples()
    controls.set_online(phone, "0-6")
    code, said = began.end()
    assert code == 3
    assert "cluster 4-7: its CPU 7 was taken away while it was measured" in said
    assert "not measured of cluster 4-7: launches 1 to 2: body" in said
    (error,) = bench.run.records("error")
    assert error["external"] is True
    assert "CPU 7" in error["reason"]
    assert bench.run.records("end")[-1]["reason"] == "cpu"
    complete_by_resume(bench, phone)


def test_a_worker_that_the_system_kills(bench: Any, phone: PhoneHandle) -> None:
    began = bench.begin(bench.suite(launches=2, rounds=4, min_ms=100, block_budget_s=300), "--clusters", "4-7")
    began.until_samples()
    bench.lab.shell(phone, f"kill -9 {bench.run.records('worker')[0]['pid']}")
    code, said = began.end()
    assert code == 3
    assert "not measured of cluster 4-7: launch 1: body" in said
    (error,) = bench.run.records("error")
    assert (error["signal"], error["external"]) == (9, True)
    assert [job["complete"] for job in bench.run.records("job")] == [False, True]
    complete_by_resume(bench, phone)


def complete_by_resume(bench: Any, phone: PhoneHandle) -> None:
    """With all CPUs back nothing is missing, and nothing measured is lost or measured twice."""
    before = bench.run.samples()
    controls.set_online(phone, "0-7")
    bench.run.shorten(4)
    done = bench("run", "--resume", "run")
    assert done.code == 0, done.err
    after = bench.run.samples()
    assert before <= after
    assert set(after.values()) == {1}
    counts = Counter((launch, variant) for _, launch, _, _, _, variant, _, _ in after)
    assert len(counts) == 4  # two launches of two variants
    assert min(counts.values()) >= 4
    bench.is_clean(phone)
