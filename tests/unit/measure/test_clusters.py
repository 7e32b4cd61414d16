"""Which CPU of which cluster is measured."""

from __future__ import annotations

import pytest

from harness.devices.base import Cluster, Topology, format_cpus, parse_cpus
from harness.errors import DeviceError
from harness.measure.clusters import Target, not_superseded, out_of_reach, planned, targets, threads_of

pytestmark = pytest.mark.unit

PHONE = Topology((Cluster((0, 1, 2, 3)), Cluster((4, 5, 6, 7)), Cluster((8,))), tuple(range(9)))


def labels(topology: Topology, cpus: tuple[int, ...] | None = None) -> list[tuple[str, int]]:
    return [(t.cluster.label, t.cpu) for t in targets(topology, planned(topology, cpus))]


def test_every_cluster_on_its_last_cpu_with_the_conductor_elsewhere() -> None:
    found = targets(PHONE, planned(PHONE, None))
    assert [(t.cluster.label, t.cpu) for t in found] == [("0-3", 3), ("4-7", 7), ("8", 8)]
    assert found[0].conductor == (4, 5, 6, 7, 8)
    assert found[2].conductor == tuple(range(8))


@pytest.mark.parametrize(("cpus", "conductor"), [((0, 1), (0,)), ((0,), ())])
def test_a_single_cluster_has_the_conductor_on_its_other_cpus(
    cpus: tuple[int, ...], conductor: tuple[int, ...]
) -> None:
    (only,) = targets(Topology((Cluster(cpus),), cpus), [Cluster(cpus)])
    assert (only.cpu, only.conductor) == (cpus[-1], conductor)


def test_cpus_we_may_not_use_are_left_out_and_clusters_without_any_are_told() -> None:
    phone = Topology(PHONE.clusters, (0, 1, 5))
    assert labels(phone) == [("0-3", 1), ("4-7", 5)]
    assert out_of_reach(phone, phone.clusters) == {"8": "the device lets this run use CPUs 0-1,5 only"}
    phone = Topology(PHONE.clusters, (0, 1, 2, 3), offline=(4, 5, 6, 7, 8))
    assert out_of_reach(phone, phone.clusters) == dict.fromkeys(("4-7", "8"), "its CPUs are offline")
    assert out_of_reach(PHONE, PHONE.clusters) == {}


@pytest.mark.parametrize(
    ("usable", "threads", "cpus"),
    [
        pytest.param((4, 5, 6, 7), 1, (7,), id="one"),
        pytest.param((4, 5, 6, 7), 2, (7, 6), id="not-the-first-which-serves-interrupts"),
        pytest.param((4, 5, 6, 7), 4, (7, 4, 5, 6), id="all"),
        pytest.param((4, 5, 7), 3, (7, 4, 5), id="those-to-be-had"),
        pytest.param((4, 5, 7), 4, (7, 4, 5, 6), id="one-is-away-and-its-thread-finds-that-out"),
    ],
)
def test_threads_have_cpus_of_one_cluster(usable: tuple[int, ...], threads: int, cpus: tuple[int, ...]) -> None:
    assert Target(Cluster((4, 5, 6, 7)), 7, (0,), usable).cpus(threads) == cpus


def test_a_cluster_has_no_more_threads_than_cpus() -> None:
    assert threads_of("4-7", (1, 2, 4, 8)) == (1, 2, 4)
    assert threads_of("8", (2, 4)) == ()


def test_clusters_option() -> None:
    assert [c.label for c in planned(PHONE, parse_cpus("4-8"))] == ["4-7", "8"]
    assert labels(Topology(PHONE.clusters, (0, 1, 2, 3)), parse_cpus("4-8")) == []
    with pytest.raises(DeviceError, match=r"--clusters 9-10.*0-3, 4-7, 8"):
        planned(PHONE, (9, 10))


def test_clusters_that_were_hidden_stand_for_the_one_they_were_planned_as() -> None:
    assert not_superseded(["0-3", "4-8", "4-7", "8"], ["0-3"]) == ["0-3", "4-7", "8"]
    assert not_superseded(["0-3", "4-8", "4-7"], ["0-3"]) == ["0-3", "4-8", "4-7"]
    assert not_superseded(["0-3", "4-8", "4-7", "8"], ["4-8"]) == ["0-3", "4-8", "4-7", "8"]
    assert not_superseded([], []) == []


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,,2", "-1", "0-99999999"])
def test_wrong_cpu_lists(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_cpus(text)


def test_cpu_lists_round_trip() -> None:
    for cpus in [(0,), (0, 1, 2), (0, 2, 3, 8)]:
        assert parse_cpus(format_cpus(cpus)) == cpus
