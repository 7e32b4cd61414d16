"""Clusters and identity of a Mac, from what sysctl prints."""

from __future__ import annotations

import pytest

from harness.devices import identity, perflevels
from harness.devices.base import Cluster

pytestmark = pytest.mark.unit

M1 = """\
hw.ncpu: 8
hw.model: Mac\tmini9,1
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 4
hw.perflevel0.logicalcpu: 4
hw.perflevel0.name: Performance
hw.perflevel1.logicalcpu: 4
hw.perflevel1.name: Efficiency
machdep.cpu.brand_string: Apple M1
kern.bootsessionuuid: 6C2F
second line of something
"""


def test_levels_are_clusters_and_the_fastest_is_the_last() -> None:
    found = perflevels.topology(perflevels.values_of(M1))
    assert found.clusters == (
        Cluster((0, 1, 2, 3), core="Efficiency", policy="perflevel1"),
        Cluster((4, 5, 6, 7), core="Performance", policy="perflevel0"),
    )
    assert (found.allowed, found.has_affinity) == (tuple(range(8)), False)
    assert "keeps no thread to a CPU" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "count"),
    [("hw.logicalcpu: 3\n", 3), ("", 1), ("hw.nperflevels: 99\nhw.ncpu: 2\n", 2), ("hw.ncpu: 5000\n", 1)],
    ids=["virtual", "silent", "levels-that-cannot-be", "cpus-that-cannot-be"],
)
def test_without_levels_it_is_one_cluster(text: str, count: int) -> None:
    found = perflevels.topology(perflevels.values_of(text))
    assert found.clusters == (Cluster(tuple(range(count))),)


def test_identity() -> None:
    one = identity.mac(perflevels.values_of(M1), machine="arm64", kernel="24.1.0", page_size=16384)
    assert (one.soc, one.model, one.boot_id, one.kind) == ("Apple M1", "Macmini9,1", "6C2F", "local")
    assert identity.mac({}, machine="arm64", kernel="", page_size=16384).soc == "arm64"
