"""One test per kind of bad input: the exit code, what is named, no traceback (the fixtures fail on one)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

LAYER = "  - {name: a, h: 8, w: 8, kh: 3, kw: 3, pad: 1, cin: 4, cout: 8}\n"


def suite(tmp_path: Path, layers: str, head: str = "suite: mine\npolicy: smoke\n") -> str:
    file = tmp_path / "mine.yaml"
    file.write_text(head + "layers:\n" + layers)
    return str(file)


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["run", "nonsense"], ["nonsense", "quick"]),
        (["run", "smoke", "--device", "local", "--layers", "zzz*"], ["--layers", "zzz"]),
        (["run", "smoke", "--device", "local", "--algorithms", "im2col,magic"], ["magic", "indirect"]),
        (["run", "smoke", "--device", "local", "--faces", "best,pretty"], ["--faces", "pretty", "published"]),
        (["verify", "smoke", "--device", "local", "--faces", "worst"], ["--faces", "worst"]),
        (["run", "smoke", "--device", "local", "--policy", "hasty"], ["hasty", "thorough"]),
        (["run", "smoke", "--device", "local", "--toolchain", "gcc"], ["gcc"]),
        (["run", "smoke", "--device", "local", "--toolchain", "ndk"], ["ndk", "this machine"]),
        (["run", "smoke", "--device", "local", "--abi", "x86"], ["--abi x86"]),
        (["run", "smoke", "--device", "local", "--ndk", "/nowhere"], ["--ndk"]),
        (["run", "smoke", "--device", "local", "--clusters", "x"], ["--clusters"]),
        (["run", "smoke", "--device", "local", "--threads", "0"], ["--threads 0", "1 to 256"]),
        (["run", "smoke", "--device", "local", "--threads", "1,two"], ["--threads 1,two", "1,2,4"]),
        (["run", "smoke", "--device", "local", "--threads", "2,2"], ["--threads 2,2", "twice"]),
        (["run", "smoke", "--device", "local", "--threads", ""], ["--threads", "1 to 256"]),
        (["run", "smoke", "--device", "local", "--threads", "256"], ["--threads 256", "no cluster has so many CPUs"]),
        (["run", "smoke", "--device", "local", "--cache", "warm"], ["--cache", "warm", "rotate"]),
        (["run", "smoke", "--device", "local", "--cache", "hot,hot"], ["--cache", "twice"]),
        (["run", "--resume", "nowhere", "--threads", "2"], ["--resume takes everything from the run"]),
        (["run", "smoke", "--tuned", "nowhere", "--faces", "best"], ["--tuned nowhere", "harness tune --out"]),
        (["run", "smoke", "--device", "local", "--tuned", "."], ["--tuned .", "no table", "local/", "harness tune"]),
        (["run", "--resume", "nowhere", "--tuned", "."], ["--resume takes everything from the run"]),
        (["run", "--resume", "nowhere", "--aa"], ["--resume takes everything from the run"]),
        (["run", "smoke", "--aa=2"], ["--aa"]),
        (["calibrate", "nonsense"], ["nonsense", "quick"]),
        (["calibrate", "smoke", "--device", "local", "--policy", "hasty"], ["hasty", "thorough"]),
        (["calibrate", "smoke", "--device", "local", "--layers", "zzz*"], ["--layers", "zzz"]),
        (["calibrate", "smoke", "--device", "local", "--clusters", "x"], ["--clusters"]),
        (["calibrate", "smoke", "--device", "local", "--seed", "-1"], ["--seed"]),
        (["calibrate", "smoke", "--device", "local", "--allow", "RAIN"], ["RAIN"]),
        (["calibrate", "smoke", "--device", "local", "--out", "/sys/kernel/run"], ["/sys/kernel/run"]),
        (["calibrate", "smoke", "--device", "local", "--wait", "soon"], ["--wait"]),
        (["calibrate", "smoke", "--algorithms", "im2col"], ["--algorithms"]),
        (["run", "--frob"], ["--frob"]),
        (["run", "smoke", "--shard", "3/2"], ["--shard 3/2"]),
        (["frobnicate"], ["frobnicate"]),
        (["report", "nowhere"], ["nowhere", "no run directory"]),
        (["run", "--resume", "nowhere"], ["nowhere", "no run directory"]),
        (["run", "smoke", "--device", "local", "--export", "yaml"], ["--export yaml", "junit"]),
        (["export", "nowhere", "--format", "csv"], ["nowhere", "no run directory"]),
        (["export", "nowhere", "--format", "yaml"], ["--format yaml", "gbench"]),
        (["compare", "nowhere", "elsewhere"], ["nowhere", "no run directory"]),
        (["compare", "nowhere", "elsewhere", "--threshold", "2"], ["--threshold 2", "2%"]),
        (["build", "--abi", "x86"], ["x86", "not built yet"]),
        (["build", "--abi", "mips"], ["mips"]),
        (["build", "--abi", "host", "--ndk", "/nowhere"], ["--ndk"]),
        (["build", "--ndk", "/nowhere"], ["/nowhere"]),
    ],
)
def test_usage(tool: Callable[..., Any], argv: list[str], named: list[str]) -> None:
    done = tool(*argv)
    assert done.code == 2, done.err
    assert done.out == ""
    for word in named:
        assert word in done.err


def test_a_process_of_its_own_says_the_same(harness: Callable[..., Any], tool: Callable[..., Any]) -> None:
    done = harness("run", "nonsense")
    assert done == tool("run", "nonsense")
    assert (done.code, done.out) == (2, "") and "nonsense" in done.err


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        ("  - {name: a, h: 8, w: 8, kh: 3, kw: 3, cin: 4, cout: 8, knid: 1}\n", ["mine.yaml:4", "knid"]),
        ("  - {name: a, h: eight, w: 8, kh: 3, kw: 3, cin: 4, cout: 8}\n", ["mine.yaml:4", "h"]),
        ("  - {name: a, h: 8, w: 8, kh: 3, kw: 3, cin: 4}\n", ["mine.yaml:4", "cout"]),
        (LAYER + LAYER, ["mine.yaml:5", "duplicate", "line 4"]),
        ("  - {name: a, h: 2, w: 2, kh: 3, kw: 3, cin: 4, cout: 8}\n", ["mine.yaml:4", "padded input"]),
        ("  - {name: a, h: 0, w: 8, kh: 3, kw: 3, cin: 4, cout: 8}\n", ["mine.yaml:4", "h"]),
        ("  - {name: a, h: 99999999999, w: 9, kh: 1, kw: 1, cin: 4, cout: 8}\n", ["mine.yaml:4", "h"]),
        ("  - {name: a, h: 9999999, w: 9999999, kh: 1, kw: 1, cin: 4000, cout: 8}\n", ["mine.yaml:4"]),
        ("  - {name: 'a b', h: 8, w: 8, kh: 3, kw: 3, cin: 4, cout: 8}\n", ["mine.yaml:4", "a b"]),
        ("  - [unclosed\n", ["mine.yaml"]),
    ],
)
def test_suite_files(tool: Callable[..., Any], tmp_path: Path, layers: str, named: list[str]) -> None:
    done = tool("run", suite(tmp_path, layers), "--device", "local")
    assert done.code == 2, done.err
    for word in named:
        assert word in done.err
    assert not (tmp_path / "runs").exists()


def test_suite_with_an_unknown_algorithm(tool: Callable[..., Any], tmp_path: Path) -> None:
    head = "suite: mine\nalgorithms: [im2col, strassen]\n"
    done = tool("run", suite(tmp_path, LAYER, head), "--device", "local")
    assert done.code == 2
    assert "mine.yaml:2" in done.err and "strassen" in done.err


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ("precision: 2 %\n", ["mine.yaml:1", "precision", "a number"]),
        ("precision: 2\n", ["mine.yaml:1", "precision", "less than or equal to 1"]),
        ("launches: 2\nprecision: 0.01\n", ["mine.yaml:2", "precision", "Set launches to 4 or more"]),
    ],
    ids=["text", "over 1", "too few launches"],
)
@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_policy_files(tool: Callable[..., Any], tmp_path: Path, command: str, keys: str, named: list[str]) -> None:
    (tmp_path / "mine.yaml").write_text(keys)
    done = tool(command, "smoke", "--device", "local", "--policy", "mine.yaml")
    assert done.code == 2, done.err
    for word in named:
        assert word in done.err
    assert not (tmp_path / "runs").exists()


def test_calibrate_without_a_device(tool: Callable[..., Any], tmp_path: Path) -> None:
    done = tool("calibrate", "smoke", "--device", "NOSUCHSERIAL")
    assert (done.code, done.out) == (5, "")
    assert "NOSUCHSERIAL" in done.err and not (tmp_path / "runs").exists()


def test_named_adb_server_that_does_not_answer(tool: Callable[..., Any]) -> None:
    done = tool("run", "smoke", "--adb-server", "127.0.0.1:1")
    assert done.code == 3
    assert "127.0.0.1:1" in done.err


def test_wrong_adb_server_option(tool: Callable[..., Any]) -> None:
    done = tool("devices", "--adb-server", "nonsense:port")
    assert done.code == 2
    assert "nonsense:port" in done.err


def test_out_that_is_not_empty(tool: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("x")
    done = tool("run", "smoke", "--device", "local", "--out", "out")
    assert done.code == 2
    assert "out" in done.err and "not empty" in done.err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["precious"]


def test_no_write_permission(tool: Callable[..., Any]) -> None:
    done = tool("run", "smoke", "--device", "local", "--out", "/sys/kernel/run")
    assert done.code == 2
    assert "/sys/kernel/run" in done.err


def test_dump_without_write_permission(tool: Callable[..., Any]) -> None:
    done = tool("verify", "smoke", "--device", "local", "--dump", "/sys/kernel/dump")
    assert done.code == 2
    assert "/sys/kernel/dump" in done.err


def test_cluster_that_is_not_there(tool: Callable[..., Any], tmp_path: Path) -> None:
    done = tool("run", "smoke", "--device", "local", "--clusters", "900-901")
    assert done.code == 2
    assert "900-901" in done.err and not (tmp_path / "runs").exists()


def test_damaged_manifest(tool: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text('{"schema": 1, ')
    for argv in (["report", "run"], ["run", "--resume", "run"]):
        done = tool(*argv)
        assert done.code == 2
        assert "manifest.json" in done.err


@pytest.mark.parametrize(
    "other", [["--seed", "3"], ["--dry-run"], ["--toolchain", "zig"], ["--abi", "host"], ["smoke"]]
)
def test_resume_takes_no_other_option(tool: Callable[..., Any], other: list[str]) -> None:
    done = tool("run", "--resume", "x", *other)
    assert done.code == 2
    assert "--resume" in done.err


@pytest.mark.parametrize("value", ["null", "[]", "3", '{"schema": 2, "run": "../x"}'])
def test_manifest_of_a_wrong_shape(tool: Callable[..., Any], tmp_path: Path, value: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text(value)
    done = tool("run", "--resume", "run")
    assert done.code == 2
    assert "manifest.json" in done.err and "http" not in done.err


def test_a_run_directory_of_an_older_version(tool: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text('{"schema": 1, "run": "x"}')
    for argv in (["report", "run"], ["run", "--resume", "run"]):
        done = tool(*argv)
        assert done.code == 2
        first, *rest = done.err.splitlines()
        assert "run directory of version 1: harness 0.1 reads it" in first and len(rest) == 1


def test_state_folder_that_cannot_be_made(tool: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in ("run", "verify"):
        done = tool(command, "smoke", "--device", "local", XDG_STATE_HOME=str(tmp_path / "file" / "state"))
        assert done.code == 3, done.err
        assert str(tmp_path / "file" / "state") in done.err


def test_a_full_disk_behind_stdout() -> None:
    with Path("/dev/full").open("w") as full:
        argv = [sys.executable, "-m", "harness.cli", "suites"]
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert "No space left" in done.stderr and "Traceback" not in done.stderr


def is_running(pid: str) -> bool:
    try:
        return Path("/proc", pid, "cmdline").read_bytes() != b""  # of a zombie it is empty
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_during_the_build(tmp_path: Path, number: signal.Signals) -> None:
    compiler = tmp_path / "slow-cc"
    compiler.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/pids\nexec sleep 600\n")
    compiler.chmod(0o755)
    argv = [sys.executable, "-m", "harness.cli", "run", "smoke", "--device", "local"]
    process = subprocess.Popen(argv, cwd=tmp_path, env={**os.environ, "CC": str(compiler)}, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "pids").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)  # the tool has seen that it runs, and waits for it
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    deadline = time.monotonic() + 10  # killed, and gone when the system comes to it
    for pid in (tmp_path / "pids").read_text().split():
        while is_running(pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert b"interrupted" in err
    assert not (tmp_path / "runs").exists()


def test_lab_with_an_unknown_model(tool: Callable[..., Any]) -> None:
    done = tool("lab", "up", "pixel-99")
    assert done.code == 2
    assert "pixel-99" in done.err and "pixel-3" in done.err


def test_json_of_devices(tool: Callable[..., Any]) -> None:
    done = tool("devices", "--device", "local", "--json")
    assert done.code == 0
    (device,) = json.loads(done.out)["devices"]
    assert device["identity"]["kind"] == "local"
    assert device["clusters"]
