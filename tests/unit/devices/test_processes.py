"""Processes of this machine, and what ps of macOS prints."""

from __future__ import annotations

import os

import pytest

from harness.devices import processes
from harness.devices.processes import Process

pytestmark = pytest.mark.unit

PS = """\
    1     0     1 Ss   Mon Nov 30 02:35:44 2026     /sbin/launchd
  512     1   512 Z+   Mon Nov 30 02:35:45 2026     (sleep)
  513   512   513 R+   Mon Nov 30 02:35:46 2026     /opt/a b/convbench run plan.txt
  514   512   513 R+   Mon Foo 30 02:35:46 2026     bad month
cut
"""


def test_this_process_is_found() -> None:
    found = processes.find(os.getpid())
    assert found is not None and found.lives
    assert (found.parent, found.session) == (os.getppid(), os.getsid(0))
    assert any(process.pid == os.getpid() and b"py" in process.command for process in processes.with_commands())
    assert processes.find(2**22 + 1) is None


def test_what_ps_prints() -> None:
    first, zombie, program = processes.parse_ps(PS)
    assert first == Process(1, 0, 1, 1796006144, "S", b"/sbin/launchd")
    assert not zombie.lives and program.lives
    assert (program.pid, program.parent, program.session) == (513, 512, 513)
    assert program.command == b"/opt/a b/convbench run plan.txt"


@pytest.mark.parametrize("text", ["", "7 (a", "7 (a b) S x 7 7" + " 0" * 20], ids=["empty", "cut", "no-number"])
def test_what_is_no_line_of_proc(text: str) -> None:
    assert processes.parse_proc(7, text) is None
