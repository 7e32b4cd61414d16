"""Phones with one to four clusters: each measured by itself, with threads that stay within it."""

from __future__ import annotations

import csv
import html
import os
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.devices.base import parse_cpus

pytestmark = pytest.mark.integration

MODELS = Path(__file__).with_name("models")
PHONES = {
    "redmi-note-4": (str(MODELS / "redmi-note-4.yaml"), ["0-7"]),
    "pixel-3": ("pixel-3", ["0-3", "4-7"]),
    "pixel-8": ("pixel-8", ["0-3", "4-7", "8"]),
    "sm-s911b": (str(MODELS / "galaxy-s23.yaml"), ["0-2", "3-4", "5-6", "7"]),
}


@pytest.fixture(scope="module")
def measured(lab: Any, bench_in: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A bench, and the phones by their folders' names, measured on one and three threads; they stay up."""
    bench = bench_in(tmp_path_factory.mktemp("clusters"))
    with ExitStack() as stack:
        phones = {name: stack.enter_context(lab.phone(model)) for name, (model, _) in PHONES.items()}
        suite = bench.suite(rounds=1)
        ran = bench("run", suite, "--threads", "1,3", "--algorithms", "indirect,im2col", "--out", "run")
        assert ran.code == 0, ran.err
        yield bench, phones


def rows(bench: Any, run: str = "run") -> list[dict[str, str]]:
    with (bench.folder / run / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", PHONES)
def test_every_cluster_is_measured(measured: Any, name: str) -> None:
    bench, _ = measured
    clusters = PHONES[name][1]
    samples = bench.run.records("sample", name)
    assert {sample["cluster"] for sample in samples} == set(clusters)
    for sample in samples:
        last = parse_cpus(sample["cluster"])[-1]
        assert (sample["cpu_before"], sample["cpu_after"], sample["repinned"]) == (last, last, 0)
    got = {worker["nice"] for worker in bench.run.records("worker", name)}
    assert got == {os.getpriority(os.PRIO_PROCESS, 0)}  # what the phone was started with: its shell may not raise it


@pytest.mark.parametrize("name", PHONES)
def test_threads_stay_within_a_cluster(measured: Any, name: str) -> None:
    bench, _ = measured
    of_three = {
        (layer["cluster"], layer["cpus"]) for layer in bench.run.records("layer", name) if layer["threads"] == 3
    }
    large = [label for label in PHONES[name][1] if len(parse_cpus(label)) >= 3]
    assert {cluster for cluster, _ in of_three} == set(large)
    for cluster, cpus in of_three:
        assert len(parse_cpus(cpus)) == 3 and set(parse_cpus(cpus)) <= set(parse_cpus(cluster))
        assert parse_cpus(cluster)[-1] in parse_cpus(cpus)
    few = [row for row in rows(bench) if row["device"] == name and row["threads"] == "3" and row["status"] == "skip"]
    assert {row["cluster"] for row in few} == set(PHONES[name][1]) - set(large)


def test_the_command_of_a_row_measures_that_row(measured: Any) -> None:
    """As it stands in the page: without a serial number, though four phones are attached."""
    bench, phones = measured
    page = (bench.folder / "run" / "report.html").read_text()
    wanted = " --device pixel-8 --clusters 4-7 --cache hot --threads 3 "
    every = [html.unescape(text) for text in re.findall(r"<code>(harness run .*?)</code>", page)]
    (command,) = [text for text in every if wanted in text and text.endswith(" --algorithms indirect,im2col")]
    _, *argv = shlex.split(command)
    ran = bench(*argv, "--out", "again")
    assert ran.code == 0, ran.err
    found = rows(bench, "again")
    assert {(row["device"], row["cluster"], row["threads"], row["cache"], row["layer"]) for row in found} == {
        ("pixel-8", "4-7", "3", "hot", "body")
    }
    assert {(row["algorithm"], row["status"]) for row in found} == {("indirect", "ok"), ("im2col", "ok")}
    assert phones["pixel-8"].serial not in page
