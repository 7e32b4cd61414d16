"""One run of the suite smoke over two phones at once, looked at from all sides."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.lab.manager import PhoneHandle
from harness.model.policy import load_policy

pytestmark = pytest.mark.integration

NAMES = ["pixel-3", "sm-g950f"]
SERIALNO = "getprop ro.serialno"


@pytest.fixture(scope="module")
def phones(lab: Any) -> Iterator[list[PhoneHandle]]:
    with lab.phone("pixel-3") as one, lab.phone("galaxy-s8") as other:
        yield [one, other]


@pytest.fixture(scope="module")
def done(bench_in: Callable[[Path], Any], phones: list[PhoneHandle], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A bench whose run is over."""
    bench = bench_in(tmp_path_factory.mktemp("two"))
    serials = [argument for phone in phones for argument in ("--device", phone.serial)]
    bench.lab.shell(phones[0], "settings put global stay_on_while_plugged_in 3")
    # The suite's own policy, save that a phone without a stored baseline is not waited for at each of 16 launches.
    policy = load_policy("smoke").model_dump(mode="json", exclude={"name"}) | {"gate_cap_s": 0.5}
    (bench.folder / "policy.yaml").write_text(json.dumps(policy))
    bench.answer = bench("run", "smoke", "--policy", "./policy.yaml", *serials, "--require", "2", "--out", "run")
    return bench


def test_all_clusters_are_in_one_report(done: Any) -> None:
    assert done.answer.code == 0, done.answer.err
    assert done.run.devices == NAMES
    rows = list(csv.DictReader((done.run.path / "results.csv").open()))
    assert {(row["device"], row["cluster"]) for row in rows} == {(n, c) for n in NAMES for c in ("0-3", "4-7")}
    assert {row["emulated"] for row in rows} == {"1"}
    assert {row["status"] for row in rows} == {"ok", "skip"}
    report = (done.run.path / "report.html").read_text()
    assert "EMULATED" in report[report.index("<header") : report.index("</header>")]
    assert "EMULATED" in (done.run.path / "summary.md").read_text()
    sentences = [line for line in done.answer.out.splitlines() if line.startswith("[EMULATED] ")]
    assert len(sentences) == 4


def test_the_phones_were_measured_at_once(done: Any) -> None:
    spans = []
    for name in NAMES:
        begins: dict[str, str] = {
            event["event"]: event["utc"] for event in reversed(done.run.lines("events.jsonl", name))
        }
        spans.append([datetime.fromisoformat(begins[event]).timestamp() for event in ("spawned", "removed")])
    overlap = min(end for _, end in spans) - max(begin for begin, _ in spans)
    assert overlap >= 0.7 * min(end - begin for begin, end in spans)
    # All of the two phones' samples, by the clock that they share with this machine.
    times = [[sample["t_ns"] for sample in done.run.records("sample", name)] for name in NAMES]
    common = min(map(max, times)) - max(map(min, times))
    assert common >= 0.7 * min(max(each) - min(each) for each in times)


@pytest.mark.parametrize("name", NAMES)
def test_each_launch_is_a_new_process_with_other_addresses(done: Any, name: str) -> None:
    workers = done.run.records("worker", name)
    assert len(workers) == 8
    assert len({(worker["cluster"], worker["pid"]) for worker in workers}) == 8
    by_launch = {(worker["cluster"], worker["launch"]): worker["pid"] for worker in workers}
    streams: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for sample in done.run.records("sample", name):
        assert sample["pid"] == by_launch[sample["cluster"], sample["launch"]]
        streams[sample["cluster"], sample["layer"], sample["variant"]].append(sample["addresses"])
    assert len(streams) == 2 * 13  # clusters x (six layers with im2col and indirect, one of them with direct)
    for stream, addresses in streams.items():
        assert len(addresses) == 8
        moved = sum(one != other for one, other in pairwise(addresses))
        assert moved >= len(addresses) / 2, stream
        for buffer in addresses[0]:
            seen = {each[buffer] for each in addresses}
            assert seen == {""} or len(seen) > 1, (stream, buffer)


def test_no_sample_twice_and_every_run_of_records_is_whole(done: Any) -> None:
    for name in NAMES:
        assert max(done.run.samples(name).values()) == 1
        assert [end["reason"] for end in done.run.records("end", name)] == ["done", "done"]


def test_serial_numbers_stand_in_device_json_only(done: Any, phones: list[PhoneHandle]) -> None:
    done.run.tell_no_serial(*(done.lab.shell(phone, SERIALNO) for phone in phones))


def test_the_phones_are_as_before(done: Any, phones: list[PhoneHandle]) -> None:
    for phone in phones:
        done.is_clean(phone)
    assert [done.stay_on(phone) for phone in phones] == ["3", "0"]
    assert [done.run.steps(device=name) for name in NAMES] == [["read", "changed", "verified", "restored"]] * 2
    assert done.run.lines("settings.jsonl", "pixel-3")[0]["value"] == "3"
    assert not list((done.lab.state / "harness" / "settings").glob("*"))
