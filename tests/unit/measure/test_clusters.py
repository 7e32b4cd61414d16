"""Which CPU of which cluster is measured."""

from __future__ import annotations

import pytest

from harness.devices.base import Cluster, Topology, format_cpus, parse_cpus
from harness.errors import DeviceError
from harness.measure.clusters import targets

pytestmark = pytest.mark.unit

PHONE = Topology((Cluster((0, 1, 2, 3)), Cluster((4, 5, 6, 7)), Cluster((8,))), tuple(range(9)))


def test_every_cluster_on_its_last_cpu_with_the_conductor_elsewhere() -> None:
    found = targets(PHONE, None)
    assert [(t.cluster.label, t.cpu) for t in found] == [("0-3", 3), ("4-7", 7), ("8", 8)]
    assert found[0].conductor == (4, 5, 6, 7, 8)
    assert found[2].conductor == tuple(range(8))


def test_one_cluster_of_two_cpus() -> None:
    (only,) = targets(Topology((Cluster((0, 1)),), (0, 1)), None)
    assert (only.cpu, only.conductor) == (1, (0,))


def test_a_single_cpu_has_no_place_for_the_conductor() -> None:
    (only,) = targets(Topology((Cluster((0,)),), (0,)), None)
    assert (only.cpu, only.conductor) == (0, ())


def test_cpus_we_may_not_use_are_left_out() -> None:
    found = targets(Topology(PHONE.clusters, (0, 1, 5)), None)
    assert [(t.cluster.label, t.cpu) for t in found] == [("0-3", 1), ("4-7", 5)]


def test_clusters_option() -> None:
    assert [t.cluster.label for t in targets(PHONE, parse_cpus("4-8"))] == ["4-7", "8"]
    with pytest.raises(DeviceError, match=r"--clusters 9-10.*0-3, 4-7, 8"):
        targets(PHONE, (9, 10))


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,,2", "-1", "0-99999999"])
def test_wrong_cpu_lists(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_cpus(text)


def test_cpu_lists_round_trip() -> None:
    for cpus in [(0,), (0, 1, 2), (0, 2, 3, 8)]:
        assert parse_cpus(format_cpus(cpus)) == cpus
