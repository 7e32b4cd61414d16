"""A host at its scheduler: what it opens to others, and what it offers over time."""

from __future__ import annotations

import asyncio
import shlex
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.hosts import serving
from harness.hosts.address import is_loopback, parse
from harness.hosts.bench import Bench
from harness.paths import data_root

pytestmark = pytest.mark.unit


def pages(argv: Sequence[str]) -> str:
    """Where a scheduler that is started like this serves its pages; Dask's own default is all interfaces."""
    address = argv[argv.index("--dashboard-address") + 1] if "--dashboard-address" in argv else ":8787"
    return address.rpartition(":")[0]


def test_no_scheduler_that_a_user_is_told_to_start_serves_pages_to_others() -> None:
    lines = (data_root() / "docs" / "hosts.md").read_text().replace("\\\n", " ").splitlines()
    told = [line for line in lines if line.startswith("    dask scheduler")]
    said = str(serving.no_scheduler(parse("tcp://127.0.0.1:8786"), OSError("refused")))
    told.append(said.partition("start one: ")[2])
    assert len(told) == 3
    for line in told:
        argv = shlex.split(line, comments=True)
        assert is_loopback(pages(argv)) and "--no-dashboard" in argv, line


def test_a_host_serves_no_pages_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def worker(address: str, **arguments: Any) -> Any:
        given.update(arguments)
        return SimpleNamespace()

    module = SimpleNamespace(Worker=worker, DEFAULT_METRICS={}, DEFAULT_STARTUP_INFORMATION={})
    monkeypatch.setattr(serving, "distributed", lambda *_: module)
    bench = cast(Bench, SimpleNamespace(name="alpha", resources={}))
    serving._worker(bench, parse("tls://lab.example.org:8786"), None)
    assert is_loopback(given["dashboard_address"].rpartition(":")[0]) and not given["dashboard"]


def test_what_has_gone_is_offered_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_LOOK_S", 0.0)
    monkeypatch.setattr(serving, "_TURN_S", 0.0)
    stop, told = threading.Event(), []
    bench = SimpleNamespace(name="alpha", active=[], resources={"phone-1": 1.0, "phone-2": 1.0, "model-a": 2.0})
    bench.offer = lambda: SimpleNamespace(phones=[1])
    bench.stop_all = lambda: None

    def look() -> None:
        bench.resources = {"phone-1": 1.0, "model-a": 1.0}

    async def set_resources(**resources: float) -> None:
        told.append(resources)
        stop.set()

    bench.look = look
    worker = SimpleNamespace(
        status=SimpleNamespace(name="running"), state=SimpleNamespace(tasks={}), set_resources=set_resources
    )
    asyncio.run(serving._registered(cast(Bench, bench), worker, stop, lambda _: None))
    assert told == [{"phone-1": 1.0, "phone-2": 0.0, "model-a": 1.0}]
