"""docs/workers.md: the session that it shows is the one that the example has."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "workers.md").read_text()
WORKERS = ROOT / "native" / "workers"

pytestmark = pytest.mark.native


def keys(line: str) -> list[str]:
    """The line's word and keys."""
    word, *fields = line.split()
    return [word, *(field.partition("=")[0] for field in fields)]


def test_the_session(need_tool: Callable[[str], str], tmp_path: Path) -> None:
    told = re.findall(r"^    ([<>]) (.*)$", PAGE, re.MULTILINE)
    assert [keys(line)[0] for side, line in told if side == ">"] == (
        ["hello", "layer", "create", "check", "sample", "sample", "check"]
    )
    program = tmp_path / "example"
    sources = [WORKERS / "example.c", WORKERS / "shim.c"]
    subprocess.run([need_tool("gcc"), "-O2", f"-I{WORKERS}", "-o", program, *sources, "-lm"], check=True)
    for name, count in (("input", 14 * 14 * 8), ("weights", 16 * 9 * 8), ("bias", 16)):
        (tmp_path / name).write_bytes(struct.pack(f"<{count}f", *(0.5 for _ in range(count))))
    ours, theirs = socket.socketpair()
    arguments = [need_tool("bash"), "-c", 'exec 3<&"$0"; exec "$1" worker', str(theirs.fileno()), str(program)]
    process = subprocess.Popen(arguments, pass_fds=[theirs.fileno()])
    theirs.close()
    answers = ours.makefile("r")
    for side, line in told:
        if side == ">":
            ours.sendall(line.replace("=/run/", f"={tmp_path}/").encode() + b"\n")
            continue
        while (answer := answers.readline().strip()).startswith("busy"):
            pass
        assert keys(answer) == keys(line), unquote(answer)
    output = struct.unpack(f"<{14 * 14 * 16}f", (tmp_path / "output").read_bytes())
    assert output[0] == 0.5 + 4 * 8 * 0.25  # a corner
    ours.close()
    answers.close()
    assert process.wait(20) == 0


def test_the_bound_that_it_tells() -> None:
    header = (ROOT / "native" / "bench" / "checker" / "checker.h").read_text()
    slack = re.search(r"CHECKER_SLACK (\d+)", header)
    assert slack
    assert f"by {slack[1]} times γ(K + 1)" in PAGE


def test_the_evidence_that_it_tells() -> None:
    listed = (ROOT / "native" / "bench" / "wire" / "evidence.inc.h").read_text()
    names = re.findall(r"^EVIDENCE(?:_ADDRESS)?\((\w+)", listed, re.MULTILINE)
    ours = ("copy_ns", "to_nchw_ns", "to_nhwc_ns")  # of im2col alone
    assert [name for name in names if f"{name}=" not in PAGE and name not in ours] == []
