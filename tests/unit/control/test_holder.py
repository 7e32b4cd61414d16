"""Who holds a device, as others read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.control.holder import Holder
from harness.devices import processes

pytestmark = pytest.mark.unit


def test_a_holder_is_named_for_others() -> None:
    me = Holder.me("20261129-quick")
    assert Holder.parse(me.line) == me
    assert f"pid {os.getpid()}" in str(me) and "run 20261129-quick" in str(me) and me.host in str(me)
    assert me.line.isascii() and "\\" not in me.line
    assert Holder.me().token != me.token


def test_names_that_a_shell_would_change() -> None:
    assert Holder.me("a\\b\nc'\"ü").run == "a?b?c???"


def test_only_a_holder_of_this_boot_is_known_to_be_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    dead = replace(Holder.me(), pid=ended.pid)
    assert dead.is_dead
    assert (Holder.me().is_dead, Holder.me().is_alive) == (False, True)
    assert replace(Holder.me(), start=1).is_dead  # the pid belongs to another process by now
    for unknown in (replace(Holder.me(), kernel="another boot"), replace(Holder.me(), start=0)):
        assert (unknown.is_dead, unknown.is_alive) == (False, False)


@given(st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1"))))
def test_anything_else_is_no_holder(text: str) -> None:
    assert Holder.parse(text) is None
    assert Holder.parse(text.encode("utf-8", "surrogatepass")) is None


@given(st.sampled_from(["host", "user", "pid", "start", "kernel", "since", "run", "token"]), st.integers(0, 9))
def test_a_damaged_holder_is_none(key: str, what: int) -> None:
    wrong: list[Any] = [None, [], {}, 1.5, True, -1, "x" * 81, "a\nb", "\x1b[2J", 2**70]
    value = json.loads(Holder.me("run").line) | {key: wrong[what]}
    assert Holder.parse(json.dumps(value)) is None


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A machine without /proc, whose sysctl tells the boot, and whose ps is this one's: it knows the same fields."""
    sysctl = tmp_path / "sysctl"
    sysctl.write_text('#!/bin/sh\n[ "$*" = "-n kern.bootsessionuuid" ] && echo 1A2B-3C4D\n')
    sysctl.chmod(0o755)
    monkeypatch.setattr(processes, "IS_MAC", True)
    monkeypatch.setattr(processes, "_SYSCTL", str(sysctl))
    processes._boot_of_mac.cache_clear()
    yield sysctl
    processes._boot_of_mac.cache_clear()


def test_a_holder_of_a_mac(mac: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = Holder.me()
    assert me.kernel == "1A2B-3C4D"
    lines = {me.pid: f"{me.pid} 1 {me.pid} S Mon Nov 30 02:35:44 2026 python"}
    monkeypatch.setattr(processes, "_by_ps", lambda *which: processes.parse_ps(lines.get(int(which[1]), "")))
    me = Holder.me()
    assert (me.is_alive, me.is_dead) == (True, False)
    assert replace(me, start=1).is_dead and replace(me, pid=me.pid + 1).is_dead
    assert not replace(me, kernel="another boot").is_dead


def test_a_mac_that_does_not_tell_its_boot_calls_nobody_dead(mac: Path) -> None:
    mac.unlink()
    me = Holder.me()
    assert me.kernel == "" and (me.is_alive, me.is_dead) == (False, False)
