"""A scheduler that speaks TLS, as users meet it: who is let in, and what is said to who is not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection, socket

import pytest

from tests.conftest import CommandLine

pytestmark = pytest.mark.e2e

PAGES = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")  # on loopback alone

pytest.importorskip("distributed")
OLD_HOST = """
import asyncio, sys
from distributed import Security, Worker
async def main():
    ca, cert, key = (f"{sys.argv[2]}/{name}.pem" for name in ("ca", "cert", "key"))
    security = Security(tls_ca_file=ca, tls_worker_cert=cert, tls_worker_key=key)
    told = {"harness": lambda worker: {"version": "0.0.1", "schema": 1, "name": "old"}}
    async with Worker(sys.argv[1], security=security, startup_information=told, memory_limit=0) as w:
        print("up", flush=True)
        await w.finished()
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a scheduler, and the folder of its certificates."""
    from harness.hosts.certificates import make

    folder = tmp_path_factory.mktemp("certificates")
    make(folder / "lab", ["scheduler", "hosts", "users"])
    make(folder / "other", ["users"])
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    files = [
        f"--tls-{what}={folder}/lab/scheduler/{what.replace('ca-file', 'ca')}.pem"
        for what in ("ca-file", "cert", "key")
    ]
    argv = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([*argv, "--protocol", "tls", *PAGES, *files], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"tls://127.0.0.1:{port}", folder
    finally:
        process.kill()
        process.wait()


def test_who_has_no_certificate_of_the_lab_is_told_so(
    lab: tuple[str, Path], command_line: CommandLine, tmp_path: Path
) -> None:
    address, folder = lab
    answer = command_line(
        "run", "smoke", "--scheduler", address, "--certificates", f"{folder}/other/users", cwd=tmp_path
    )
    assert answer.code == 3 and "do not accept each other's certificates" in answer.err, answer.err
    answer = command_line("run", "smoke", "--scheduler", address, cwd=tmp_path)
    assert answer.code == 2 and "no certificates" in answer.err
    answer = command_line("run", "smoke", "--scheduler", address.replace("tls", "tcp"), cwd=tmp_path)
    assert answer.code == 3 and "no scheduler answers" in answer.err
    assert not (tmp_path / "runs").exists()


def test_a_host_of_another_version_is_told_by_name(
    lab: tuple[str, Path], command_line: CommandLine, tmp_path: Path
) -> None:
    address, folder = lab
    argv = ("run", "smoke", "--scheduler", address, "--certificates", f"{folder}/lab/users")
    answer = command_line(*argv, cwd=tmp_path)
    assert answer.code == 5 and f"no host is at the scheduler {address}" in answer.err
    old = subprocess.Popen(
        [sys.executable, "-c", OLD_HOST, address, f"{folder}/lab/hosts"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert old.stdout is not None and old.stdout.readline() == b"up\n"
        answer = command_line(*argv, cwd=tmp_path)
    finally:
        old.kill()
        old.communicate()
    assert answer.code == 3, answer.err
    assert "host old: it has version 0.0.1 of the harness" in answer.err
