"""One worker asked directly: what a sample is, and that it says so."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.native

Ask = Callable[[str], dict[str, str]]


@pytest.fixture
def ask(convbench: Path, make_layer: Callable[..., str], need_tool: Callable[[str], str]) -> Iterator[Ask]:
    """`ask(request)`: the answer's fields, its word under ''. The worker knows im2col on a layer as object 0."""
    ours, theirs = socket.socketpair()
    code = 'exec 3<&"$0"; exec "$1" worker'
    number = str(theirs.fileno())
    process = subprocess.Popen([need_tool("bash"), "-c", code, number, str(convbench)], pass_fds=[theirs.fileno()])
    theirs.close()
    answers = ours.makefile("r")

    def ask(request: str) -> dict[str, str]:
        ours.sendall(f"{request}\n".encode())
        while (line := answers.readline()).startswith("busy"):
            pass
        word, *fields = line.split()
        return {"": word, **dict(field.split("=", 1) for field in fields)}

    cpu = min(os.sched_getaffinity(0))
    hello = ask(f"hello protocol=2 cpu={cpu} memory=268435456 llc=1048576 min_ns=1000000 max_khz=0 probe=0")
    assert hello[""] == "hello"
    assert ask(make_layer("a", 28, 28, 32, 32))[""] == "ok"
    assert ask("create object=0 algorithm=im2col schedule=default")[""] == "created"
    yield ask
    ours.close()
    answers.close()
    assert process.wait(20) == 0


def test_a_short_window_is_kept_and_says_so(ask: Ask) -> None:
    checked = ask("check object=0 by=checksum")
    sample = ask("sample object=0 cache=hot calls=1 settle_ns=1000000")
    assert (sample["calls"], sample["window_short"]) == ("1", "1")
    assert float(sample["window_ns"]) == float(sample["ns"])
    assert sample["checksum"] == checked["checksum"]
    long = ask("sample object=0 cache=hot calls=20000 settle_ns=1000000")
    assert (long["calls"], long["window_short"]) == ("20000", "0")


def test_a_sample_tells_what_the_core_gave_it(ask: Ask) -> None:
    """CPU time of the window's stretch, what the core did beside it, and what finding that out took."""
    small = {key: float(value) for key, value in ask("sample object=0 cache=hot calls=0 settle_ns=0").items() if key}
    assert 0 < small["cpu_ns"] <= small["span_ns"]
    assert small["window_ns"] < small["span_ns"]  # an untimed call lies before it
    assert small["gflops_before"] > 0 and small["gflops_after"] > 0
    assert small["probe_ns"] > 0
    cold = {key: float(value) for key, value in ask("sample object=0 cache=rotate calls=0 settle_ns=0").items() if key}
    assert cold["gbps_before"] > 0 and cold["gbps_after"] > 0
    assert 0 < cold["cpu_ns"] <= cold["span_ns"]


@pytest.mark.parametrize(("channels", "reads"), [(8, False), (512, True)])
def test_memory_is_read_beside_layers_that_outgrow_the_l2(
    ask: Ask, make_layer: Callable[..., str], channels: int, reads: bool
) -> None:
    assert ask(make_layer("a", 7, 7, channels, 4 * channels))[""] == "ok"
    assert ask("create object=1 algorithm=indirect schedule=default")[""] == "created"
    sample = ask("sample object=1 cache=hot calls=1 settle_ns=0")
    assert (float(sample["gbps_before"]) > 0, float(sample["gbps_after"]) > 0) == (reads, reads)


def test_samples_of_one_seed_lie_at_the_same_places_and_no_others_do(ask: Ask) -> None:
    """Those between them are placed as if there were none of that seed."""

    def places(more: str = "") -> tuple[str, ...]:
        sample = ask(f"sample object=0 cache=hot calls=1 settle_ns=0{more}")
        return tuple(sample[name] for name in ("input", "weights", "output", "matrix"))

    places()  # the arena has grown
    shared = [places(" placement=7"), places(), places(" placement=7"), places(), places(" placement=8")]
    assert shared[0] == shared[2]
    assert len(set(shared)) == 4
    assert ask("create object=1 algorithm=indirect schedule=default")[""] == "created"
    other = ask("sample object=1 cache=hot calls=1 settle_ns=0 placement=7")
    assert tuple(other[name] for name in ("input", "weights", "output")) == shared[0][:3]


def test_calls_are_those_asked_for(ask: Ask) -> None:
    chosen = int(ask("sample object=0 cache=hot calls=0 settle_ns=1000000")["calls"])
    assert chosen >= 1
    rotate = ask("sample object=0 cache=rotate calls=7 settle_ns=1000000")
    assert rotate["calls"] == "7"
    assert int(rotate["copies"]) > 1
    assert rotate["checksum"] == ask("check object=0 by=checksum")["checksum"]


def test_a_median_is_of_five_calls_at_least(ask: Ask, make_layer: Callable[..., str]) -> None:
    assert ask(make_layer("large", 56, 56, 64, 64))[""] == "ok"
    assert ask("create object=1 algorithm=naive schedule=default")[""] == "created"
    sample = ask("sample object=1 cache=rotate calls=0 settle_ns=0")
    assert float(sample["ns"]) > 1e6  # so long that one call fills the window
    assert sample["calls"] == "5"
