"""``harness verify`` on a device that hangs, dies or goes away: an end in time, nothing left behind."""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.cli.verify import _lines
from harness.control import quarantine
from harness.control.lease import leased
from harness.devices.base import Attached, Device, Identity, RemoteProcess
from harness.devices.local import LocalDevice
from harness.errors import DeviceError, DeviceLost, Unkillable
from harness.exit_codes import ExitCode, worst
from harness.measure import lost_connection
from harness.measure.context import Context
from harness.measure.device_folder import programs_of
from harness.measure.once import convbench, verify
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.toolchain.builder import Built
from tests.variants import fields

pytestmark = pytest.mark.unit

CHECK = {
    "type": "check", "seq": 1, "launch": 0, "layer": "a", **fields("indirect/x"),
    "by": "reference", "outputs": 4096, "error_over_bound": 0.1, "ok": True,
}  # fmt: skip
END = {"type": "end", "seq": 2, "records": 3, "reason": "done"}


class Phone(LocalDevice):
    """This machine, whose calls fail as they are told; what it ran, and which folders were made."""

    def __init__(self, root: Path, **failures: list[Exception]) -> None:
        super().__init__(root)
        self.failures = failures
        self.program = ""

    def alive(self, process: RemoteProcess) -> bool:
        self._fail("alive")
        return super().alive(process)

    def spawn(self, argv: Any, *, cwd: str, output: str) -> RemoteProcess:
        self.program = argv[0]
        process = super().spawn(argv, cwd=cwd, output=output)
        while not programs_of(self, self.program) and self.failures.get("spawn"):
            pass  # its arguments stand in /proc a moment later
        self._fail("spawn")
        return process

    def remove_tree(self, path: str) -> None:
        self._fail("remove_tree")
        super().remove_tree(path)

    def _fail(self, name: str) -> None:
        if self.failures.get(name):
            raise self.failures[name].pop(0)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convbench, "_POLL_S", 0.01)
    monkeypatch.setattr(lost_connection, "_AGAIN_S", 0.01)


def check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, phone: Phone, program: str, stop: threading.Event | None = None
) -> verify.Verified:
    """The outcome with a shell script as convbench."""
    file = tmp_path / "convbench"
    file.write_text("#!/bin/sh\n" + program)
    built = Built(file, file, "0" * 40, "host", "host", 0.0, True, {})
    monkeypatch.setattr(verify, "build_programs", lambda *_: Programs({"host": built}, "host"))
    request = Request("smoke", load_suite("smoke").layers, load_policy("quick"), ("indirect",), 0)
    attached = Attached((cast(Device, phone),))
    context = Context(request, attached, lambda text: None, lambda: nullcontext(stop or threading.Event()))
    results = verify.verify_all(context, None)
    if phone.program:
        assert programs_of(phone, phone.program) == []
    (done,) = results.outcomes
    assert results.code == (ExitCode.INTERRUPTED if stop else worst(done.codes))
    return done


def printing(*values: dict[str, Any]) -> str:
    return "".join(f"printf '%s\\n' '{json.dumps(value)}'\n" for value in values)


def test_a_check_to_its_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = check(monkeypatch, tmp_path, Phone(tmp_path / "work"), printing(CHECK, END))
    assert (done.checked, done.codes, done.messages) == (1, [], [])
    assert list((tmp_path / "work").iterdir()) == []


KILLED = {
    "type": "error", "seq": 0, "launch": 0, "layer": "a", **fields("indirect"), "signal": 9,
    "external": True, "reason": "the worker was killed by signal 9",
}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "is_right"),
    [
        ([KILLED, CHECK], True),
        ([KILLED, KILLED, CHECK], True),
        ([{**KILLED, **fields("indirect/x")}, CHECK], True),
        ([{**KILLED, **fields("auto")}, {**CHECK, **fields("auto/im2col_x", "auto", algorithm="im2col")}], True),
        ([CHECK, KILLED], False),
        ([KILLED, {**CHECK, "layer": "b"}], False),
        ([KILLED, {**CHECK, **fields("indirect/x+best", "indirect/best", face="best")}], False),
        ([{**KILLED, "external": False}, CHECK], False),
    ],
)
def test_a_check_that_was_killed_and_then_made_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: list[dict[str, Any]], is_right: bool
) -> None:
    done = check(monkeypatch, tmp_path, Phone(tmp_path / "work"), printing(*found, END))
    assert done.codes == ([] if is_right else [ExitCode.INFRASTRUCTURE])
    assert is_right or done.messages == [f"{found[-1 if found[0] is CHECK else 0]['variant']} on a: {KILLED['reason']}"]


def test_a_program_that_never_ends_is_stopped_and_what_it_said_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(verify, "verify_deadline_s", lambda request, identity: 1)
    monkeypatch.setattr(convbench, "_GRACE_S", 0.0)
    done = check(monkeypatch, tmp_path, Phone(tmp_path / "work"), printing(CHECK) + "sleep 300 & sleep 300\n")
    assert done.checked == 1
    assert done.codes == [ExitCode.INFRASTRUCTURE]
    assert done.messages == ["convbench verify had not ended after 1 s and was stopped"]
    assert list((tmp_path / "work").iterdir()) == []


def test_its_own_deadline_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    end = {**END, "reason": "deadline"}
    done = check(monkeypatch, tmp_path, Phone(tmp_path / "work"), printing(CHECK, end))
    assert done.messages == ["convbench verify reached its deadline before its end"]


def test_a_program_that_dies_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = check(monkeypatch, tmp_path, Phone(tmp_path / "work"), printing(CHECK) + "echo killed; exit 137\n")
    assert done.codes == [ExitCode.INFRASTRUCTURE]
    assert "stopped without an end" in done.messages[0]


def test_a_phone_that_goes_away_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    phone = Phone(tmp_path / "work", alive=[DeviceLost("usb")] * 3, remove_tree=[DeviceLost("usb")])
    done = check(monkeypatch, tmp_path, phone, "sleep 0.2\n" + printing(CHECK, END))
    assert (done.checked, done.codes) == (1, [])
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("name", ["spawn", "alive"])
@pytest.mark.parametrize("error", [DeviceLost("usb"), DeviceError("no answer")])
def test_whatever_fails_the_program_is_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, error: Exception
) -> None:
    monkeypatch.setattr(lost_connection, "LOST_FOR_GOOD_S", 0.0)
    phone = Phone(tmp_path / "work", **{name: [error] * 2})
    done = check(monkeypatch, tmp_path, phone, "sleep 300\n")
    assert done.codes == [ExitCode.INFRASTRUCTURE]
    assert error.args[0] in done.messages[0]
    assert list((tmp_path / "work").iterdir()) == []


def test_what_cannot_be_removed_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    phone = Phone(tmp_path / "work", remove_tree=[DeviceError("read-only")])
    done = check(monkeypatch, tmp_path, phone, printing(CHECK, END))
    assert done.checked == 1
    (message,) = done.messages
    assert "harness-verify-smoke-" in message and "may be left on the device: read-only" in message


def test_this_machine_is_never_put_in_quarantine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    phone = Phone(tmp_path / "work", alive=[Unkillable("2 processes cannot be killed")])
    done = check(monkeypatch, tmp_path, phone, "sleep 300\n")
    assert done.codes == [ExitCode.INFRASTRUCTURE] and "cannot be killed" in done.messages[0]
    assert quarantine.every() == []


def test_a_phone_whose_programs_survive_the_cleaning_up_is_put_in_quarantine(tmp_path: Path) -> None:
    def stop_all() -> None:
        raise Unkillable("2 processes cannot be killed")

    identity = Identity("S1", "adb", model="Pixel 3", serialno="8A9X0B1C2")
    device = SimpleNamespace(serial="S1", identity=identity)
    installed = SimpleNamespace(device=device, folder="/f", program="/f/convbench", stop_all=stop_all)
    done = verify.Verified("pixel-3")
    convbench.Convbench(cast(Any, installed), done, threading.Event()).clean_up()
    assert [held.reason for held in quarantine.every()] == [quarantine.UNKILLABLE]
    assert "may be left on the device" in done.messages[0] and "in quarantine" in done.messages[1]


def test_a_stop_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    done = check(monkeypatch, tmp_path, Phone(tmp_path / "work"), "sleep 300\n", stop)
    assert done.messages == []


def test_a_device_that_another_run_has_is_a_failure_of_that_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with leased(Phone(tmp_path / "other")):
        done = check(monkeypatch, tmp_path, Phone(tmp_path / "work"), printing(CHECK, END))
    assert done.codes == [ExitCode.INFRASTRUCTURE]
    assert done.messages[0].startswith("another harness run is using the device")
    assert _lines(done) == ["local: nothing was checked"]


def test_what_was_checked_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = check(monkeypatch, tmp_path, Phone(tmp_path / "work"), printing(CHECK, END))
    assert _lines(done) == ["local: 1 results right, 0 wrong, 0 not applicable"]  # no error, where none was told


def test_the_largest_error_of_a_variant_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checks = [CHECK | {"max_error": 2e-7, "error_over_bound": 0.3}, CHECK | {"seq": 2, "max_error": 1e-7}]
    end = END | {"seq": 3, "records": 4}
    done = check(monkeypatch, tmp_path, Phone(tmp_path / "work"), printing(*checks, end))
    assert _lines(done)[1:] == ["local: indirect/x: largest error 2.0e-07 of the sum of magnitudes, 0.3 of its bound"]
