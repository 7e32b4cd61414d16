"""Hosts are gone when the scheduler has lost them, or has not heard of them for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import __version__
from harness.hosts.schema import VERSION
from harness.hosts.sources import digest_of_package, sources_digest
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
    told = {"version": __version__, "schema": VERSION, "name": "bench\x1b[2J", "sources": sources_digest()}
    host = Host.of("tcp://127.0.0.1:1", {"harness": told})
    assert host is not None and host.fits and host.name == "bench\\x1b[2J"
    other = Host.of("tcp://127.0.0.1:1", {"harness": {**told, "version": "0.0.1"}})
    assert other is not None and not other.fits
    other = Host.of("tcp://127.0.0.1:1", {"harness": {**told, "sources": "0" * 64}})
    assert other is not None and not other.fits  # the same version, of another commit
    assert Host.of("tcp://127.0.0.1:1", {"name": "a worker of somebody else"}) is None


def test_a_change_of_a_source_is_another_digest_and_data_are_none(tmp_path: Path) -> None:
    for name in ("a.py", "b/c.py", "_data/native/d.py", "e.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    before = digest_of_package(tmp_path)
    (tmp_path / "_data/native/d.py").write_text("2")
    (tmp_path / "e.yaml").write_text("2")
    assert digest_of_package(tmp_path) == before
    (tmp_path / "b/c.py").write_text("2")
    assert digest_of_package(tmp_path) != before


def test_silence_of_the_scheduler_is_not_counted_against_hosts() -> None:
    watch, workers = Watch(silence_s=10), {"a": {"last_seen": 1000.0}}
    assert watch.gone(workers, {"a"}, 0.0) == {}
    watch.begin_again(9.0)
    assert watch.gone(workers, {"a"}, 15.0) == {}
    assert set(watch.gone(workers, {"a"}, 20.0)) == {"a"}
