"""Which adb is told: of this machine's servers the program, and the version where it is our own."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices import adbprogram, processes

pytestmark = pytest.mark.unit

PYTHON = str(Path(sys.executable).resolve())


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family, address = request.param
    with socket.socket(family) as made:
        try:
            made.bind((address, 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        made.listen()
        yield made


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Android Debug Bridge version 1.0.41\nVersion 29.0.6-debian\nInstalled as /usr/bin/adb", "29.0.6-debian"),
        ("Android Debug Bridge version 1.0.32", "1.0.32"),
        ("something else", ""),
    ],
)
def test_version(tmp_path: Path, said: str, version: str) -> None:
    assert adbprogram.version(script(tmp_path / "adb", f"cat <<'END'\n{said}\nEND")) == version


def test_an_adb_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    assert adbprogram.version(str(tmp_path / "none")) == ""


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("p512\nu501\nf7\nf9\np700\nu0\n", ("/opt/homebrew/bin/adb", 501)),
        ("", ("", None)),
        ("p1; rm\nu501\n", ("", None)),
    ],
)
def test_the_program_behind_a_port_of_a_mac(
    said: str, found: tuple[str, int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lsof and ps tell it, for there is no /proc."""
    lsof = script(tmp_path / "lsof", f"[ \"$2\" = -iTCP:5037 ] || exit 1\nprintf '{said}'")
    ps = script(tmp_path / "ps", '[ "$*" = "-ww -o comm= -p 512" ] && echo /opt/homebrew/bin/adb')
    monkeypatch.setattr(processes, "IS_MAC", True)
    monkeypatch.setattr(processes, "_LSOF", lsof)
    monkeypatch.setattr(processes, "_PS", (ps,))
    monkeypatch.setattr(adbprogram, "_sockets", pytest.fail)
    assert (adbprogram.listening(5037), adbprogram.user_of(5037)) == found
    assert adbprogram.serving("127.0.0.1", 5037) == found[0]
    monkeypatch.setattr(processes, "_LSOF", str(tmp_path / "none"))
    assert (adbprogram.listening(5037), adbprogram.user_of(5037)) == ("", None)


def test_the_program_behind_a_port(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert adbprogram.listening(port) == PYTHON
    listener.close()
    assert adbprogram.listening(port) == ""


def test_processes_that_end_while_they_are_looked_at_are_none(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, ended = Path.iterdir, []
    mine = str(os.getpid())

    def iterdir(folder: Path) -> Iterator[Path]:
        if folder.name == "fd" and folder.parent.name != mine:
            ended.append(folder)
            raise FileNotFoundError(2, "No such file or directory", str(folder))
        if folder.name == "fd":
            yield folder / "99999"  # closed since it was listed
        yield from listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert adbprogram.listening(listener.getsockname()[1]) == PYTHON
    mine = ""
    assert adbprogram.listening(listener.getsockname()[1]) == ""
    assert ended


def test_a_server_of_another_program_is_named_but_not_run(
    listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADBUTILS_ADB_PATH", script(tmp_path / "adb", f"touch {tmp_path}/ran; echo Version 9"))
    assert adbprogram.serving("127.0.0.1", listener.getsockname()[1]) == PYTHON
    assert adbprogram.serving("elsewhere", listener.getsockname()[1]) == ""
    assert not (tmp_path / "ran").exists()


def test_a_server_of_our_own_program_has_a_version(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADBUTILS_ADB_PATH", sys.executable)
    monkeypatch.setattr(adbprogram, "version", lambda program: f"of {program}")
    assert adbprogram.serving("localhost", listener.getsockname()[1]) == f"{PYTHON} of {PYTHON}"


def test_the_adb_of_path_comes_before_the_wheel_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheel_adb: Path
) -> None:
    monkeypatch.delenv("ADBUTILS_ADB_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert adbprogram.own() == str(wheel_adb)
    users = script(tmp_path / "adb", "exit 0")
    assert adbprogram.own() == users
