"""Which protocol a program speaks, by greeting it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.measure import greeting
from harness.measure.greeting import greet, protocol_in
from harness.paths import data_root

pytestmark = pytest.mark.unit


def worker(folder: Path, answer: str) -> Path:
    path = folder / "convbench"
    path.write_text(
        f"#!{sys.executable}\nimport socket\ns = socket.socket(fileno=3)\n"
        f"assert s.recv(999).startswith(b'hello protocol=2 cpu=')\n{answer}\n"
    )
    path.chmod(0o755)
    return path


def test_one_of_the_same_protocol(tmp_path: Path) -> None:
    greet("it", worker(tmp_path, "s.sendall(b'hello protocol=2 build=ab\\n'); s.recv(1)"), "2")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("s.sendall(b'hello protocol=1\\n')", "it: speaks worker protocol 1, this checkout protocol 2"),
        ("s.sendall(b'hello build=x\\n')", "it: tells no version of the worker protocol, this checkout protocol 2"),
        (
            "s.sendall(b'failed reason=no%20way\\n')",
            "worker protocol 2: .* it said 'failed reason=no way'",
        ),
        (
            "s.sendall(b'failed reason=protocol=2%20is%20not%20a%20whole%20number%20from%201%20to%201\\n')",
            "it: speaks worker protocol 1, this checkout protocol 2",
        ),
        ("raise SystemExit(1)", "gave no answer"),
        ("s.recv(1)", "gave no answer"),
        ("import time\nwhile True: s.sendall(b'.'); time.sleep(0.1)", "gave no answer"),
    ],
    ids=["older", "silent-version", "refusal", "refusing-version", "ended", "hangs", "drips"],
)
def test_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, words: str) -> None:
    monkeypatch.setattr(greeting, "_DEADLINE_S", 0.5)
    with pytest.raises(UsageError, match=words):
        greet("it", worker(tmp_path, answer), "2")


def test_this_checkout_tells_its_own() -> None:
    assert protocol_in(data_root()) == "2"


def test_what_a_program_started_ends_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    started = f"import subprocess; p = subprocess.Popen(['sleep', '30']); open({str(pid)!r}, 'w').write(str(p.pid))"
    greet("it", worker(tmp_path, f"{started}\ns.sendall(b'hello protocol=2\\n')"), "2")
    state = Path(f"/proc/{pid.read_text()}/stat")
    deadline = time.monotonic() + 5
    while state.exists() and state.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not state.exists() or state.read_text().split()[2] == "Z"
