"""Many devices: names that no two share, phones side by side, this machine alone and last."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.devices.base import Cluster, Device, Identity, Topology
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost, TransientError, UsageError
from harness.measure import campaign
from harness.measure.called import named
from harness.measure.campaign import check_clusters, in_turn
from harness.measure.context import Work
from harness.measure.request import Request
from harness.model.policy import load_policy

pytestmark = pytest.mark.unit


def device(identity: Identity) -> Device:
    return cast(Device, SimpleNamespace(serial=identity.serial, identity=identity))


LOCAL = device(Identity("local", "local", model="KVM"))
PIXEL = device(Identity("S1", "adb", model="Pixel 3"))
OTHER = device(Identity("S2", "adb", model="Pixel 3"))
NAMESAKE = device(Identity("S3", "adb", model="Local"))


def work(stop: threading.Event) -> Work:
    return Work(cast(Any, None), cast(Any, None), stop, print)


def test_names() -> None:
    names = [name for name, _ in named([LOCAL, PIXEL, OTHER, NAMESAKE])]
    assert (names[0], names[3]) == ("local", "phone-local")
    assert names[1] != names[2] and all(name.startswith("pixel-3-") for name in names[1:3])


def test_phones_are_measured_side_by_side_and_this_machine_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def leaving(*_: object) -> Iterator[None]:
        order.append("left the CPU")
        yield

    monkeypatch.setattr(campaign, "_off_measured_cpus", leaving)
    both = threading.Barrier(2, timeout=30)
    order: list[str] = []

    def measure(name: str, which: Device) -> str:
        if which is not LOCAL:
            both.wait()  # passes with another phone beside it only
        order.append(which.serial)
        return name

    devices = named([LOCAL, PIXEL, OTHER])
    results = in_turn(devices, measure, work(threading.Event()))
    assert results == [devices[1][0], devices[2][0], "local"]
    assert set(order[:2]) == {"S1", "S2"} and order[2:] == ["left the CPU", "local"]


def test_this_process_is_off_the_measured_cpu_while_it_is_measured_and_back_afterwards() -> None:
    """A second run of the same process would find CPUs missing, and say that the machine forbids them."""
    allowed = tuple(sorted(os.sched_getaffinity(0)))
    if len(allowed) < 2:
        pytest.skip("one CPU alone is to be had")
    topology = Topology((Cluster(allowed[-1:]),), allowed)
    here = cast(Device, SimpleNamespace(identity=LOCAL.identity, topology=lambda: topology))
    request = Request("s", (), load_policy("smoke"), ("indirect",), 7)
    seen = in_turn(
        [("local", here)], lambda *_: os.sched_getaffinity(0), replace(work(threading.Event()), request=request)
    )
    assert seen == [set(allowed[:-1])] and os.sched_getaffinity(0) == set(allowed)


@pytest.mark.parametrize(
    ("threads", "cpus", "message"),
    [
        pytest.param((1, 8), None, None, id="one-is-to-be-had"),
        pytest.param((4,), None, None, id="on-one-cluster"),
        pytest.param((5, 6), None, r"--threads 5: no cluster has so many CPUs \(0-3, 8\)", id="on-none"),
        pytest.param((2,), (8,), r"--threads 2: no cluster has so many CPUs \(8\)", id="not-on-the-chosen-one"),
        pytest.param((1,), (7,), r"no usable cluster in --clusters 7", id="no-such-cluster"),
    ],
)
def test_threads_need_a_cluster(threads: tuple[int, ...], cpus: tuple[int, ...] | None, message: str | None) -> None:
    topology = Topology((Cluster((0, 1, 2, 3)), Cluster((8,))), (0, 1, 2, 3, 8))
    phone = cast(Device, SimpleNamespace(topology=lambda: topology))
    request = Request("s", (), load_policy("smoke"), ("indirect",), 7, threads=threads, cpus=cpus)
    if message is None:
        check_clusters([phone], request)
    else:
        with pytest.raises(UsageError, match=message):
            check_clusters([phone], request)


@pytest.mark.parametrize("answer", [DeviceLost("S2: closed"), DeadlineExceeded("S2: getprop"), DeviceError("S2: odd")])
def test_clusters_are_refused_where_every_phone_says_so(answer: DeviceError) -> None:
    def topology() -> Topology:
        raise answer

    says_no = SimpleNamespace(topology=lambda: Topology((Cluster((0, 1)),), (0, 1)))
    is_away = SimpleNamespace(topology=topology)
    request = cast(Any, SimpleNamespace(cpus=(4, 5), threads=(1,)))
    if isinstance(answer, TransientError):
        check_clusters([cast(Device, says_no), cast(Device, is_away)], request)
    else:
        with pytest.raises(UsageError, match=r"no usable cluster.*; S2: odd"):
            check_clusters([cast(Device, says_no), cast(Device, is_away)], request)
    with pytest.raises(UsageError, match="no usable cluster"):
        check_clusters([cast(Device, says_no)], request)


def test_after_a_stop_this_machine_is_not_begun() -> None:
    stop = threading.Event()
    stop.set()
    assert in_turn(named([LOCAL]), lambda name, _: name, work(stop)) == []


def test_a_machine_that_cannot_be_read_costs_no_phone_its_results() -> None:
    def topology() -> Topology:
        raise DeviceError("/sys is not there")

    here = cast(Device, SimpleNamespace(serial="local", identity=LOCAL.identity, topology=topology))
    assert in_turn(named([PIXEL, here]), lambda name, _: name, work(threading.Event())) == ["pixel-3", "local"]
