"""Which protocol a program speaks, by greeting it."""

from __future__ import annotations

import sys
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
    ],
    ids=["older", "silent-version", "refusal", "refusing-version", "ended", "hangs"],
)
def test_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, words: str) -> None:
    monkeypatch.setattr(greeting, "_DEADLINE_S", 0.5)
    with pytest.raises(UsageError, match=words):
        greet("it", worker(tmp_path, answer), "2")


def test_this_checkout_tells_its_own() -> None:
    assert protocol_in(data_root()) == "2"
