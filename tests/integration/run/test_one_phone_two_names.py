"""One phone under two addresses, asked for by several harnesses of several users and hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.control.holder import Holder

pytestmark = pytest.mark.integration


def test_one_holder_whatever_the_name_the_user_and_the_host(bench: Any, command_line: Any, tmp_path: Path) -> None:
    with bench.lab.phone("pixel-3") as phone:
        second = f"localhost:{phone.port}"
        assert b"connected" in bench.lab.adb("connect", second).stdout
        suite = bench.long_suite()

        (seen,) = json.loads(bench("devices", "--json").out)["devices"]
        assert {seen["identity"]["serial"], *seen["other_names"]} == {phone.serial, second}
        assert [condition["name"] for condition in seen["conditions"]] == ["TWO_CONNECTIONS"]

        began = bench.begin(suite, "--device", phone.serial)
        began.until_samples(1)
        user = {**bench.lab.environment, "XDG_STATE_HOME": str(tmp_path / "another user")}
        refused = command_line("verify", suite, "--device", second, cwd=tmp_path, **user)
        assert refused.code == 3
        me = str(Holder.me()).partition(", pid")[0]
        assert f"another harness run is using the device: {me}, pid {began.process.pid}" in refused.err
        assert "run run" in refused.err and "--wait" in refused.err

        # Whoever waits on another host has it as soon as the holder is dead, and puts back what that left changed.
        waiting = {**os.environ, **bench.lab.environment, "HARNESS_LOCK_DIR": str(tmp_path / "another host")}
        argv = [sys.executable, "-m", "harness.cli", "restore", "--device", phone.serial, "--wait", "60"]
        with subprocess.Popen(argv, env=waiting, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as waiter:
            assert waiter.stderr is not None
            first = waiter.stderr.readline()
            assert "waiting for up to " in first and f"pid {began.process.pid}" in first
            began.process.send_signal(signal.SIGKILL)
            began.process.wait()
            rest = waiter.stderr.read()
        assert waiter.returncode == 0, rest
        assert "taken over" in rest
        assert bench.stay_on(phone) == "0"
        assert "harness-lock" not in bench.lab.shell(phone, "ls -A /data/local/tmp")
        bench.run.tell_no_serial(second)
        bench.lab.adb("disconnect", second)
