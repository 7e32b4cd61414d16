"""Hosts are gone when the scheduler has lost them, or has not heard of them for a while."""

from __future__ import annotations

import pytest

from harness import __version__
from harness.hosts.schema import VERSION
from harness.hosts.watch import Host, Watch

pytestmark = pytest.mark.unit


def test_a_killed_and_a_cut_off_host_are_gone_and_a_living_one_is_not() -> None:
    watch, addresses = Watch(silence_s=10), {"a", "b", "c"}
    workers = {each: {"last_seen": 1000.0} for each in addresses}
    assert watch.gone(workers, addresses, 0.0) == {}
    workers = {"a": {"last_seen": 1009.0}, "b": {"last_seen": 1000.0}}
    assert set(watch.gone(workers, addresses, 9.0)) == {"c"}
    workers["a"] = {"last_seen": 1011.0}
    found = watch.gone(workers, {"a", "b"}, 11.0)
    assert found == {"b": "it was not heard of for 11 s"}
    workers["b"] = {"last_seen": 1012.0}
    assert watch.gone(workers, {"a", "b"}, 12.0) == {}


def test_who_is_a_host_of_ours() -> None:
    told = {"version": __version__, "schema": VERSION, "name": "bench\x1b[2J"}
    host = Host.of("tcp://127.0.0.1:1", {"harness": told})
    assert host is not None and host.fits and host.name == "bench\\x1b[2J"
    other = Host.of("tcp://127.0.0.1:1", {"harness": {**told, "version": "0.0.1"}})
    assert other is not None and not other.fits
    assert Host.of("tcp://127.0.0.1:1", {"name": "a worker of somebody else"}) is None
