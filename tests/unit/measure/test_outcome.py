"""What went wrong on devices, and the one exit code that follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from harness.exit_codes import ExitCode
from harness.measure.once.verify import Verified
from harness.measure.outcome import DeviceOutcome, code_of
from harness.measure.run.outcome import SessionOutcome
from harness.measure.stop import Stop
from harness.store import records
from tests.variants import fields

pytestmark = pytest.mark.unit

WRONG = TypeAdapter(records.Check).validate_python(
    {
        "type": "check", "seq": 1, "launch": 0, "layer": "a", **fields("im2col/x"),
        "by": "reference", "outputs": 4096, "error_over_bound": 7.0, "ok": False,
    }
)  # fmt: skip


def test_a_wrong_result_has_one_exit_code_wherever_it_is_found() -> None:
    verified, session = Verified("local"), SessionOutcome("local")
    verified.take(WRONG)
    session.fault(WRONG)
    session.fault(WRONG)
    assert verified.codes == session.codes == [ExitCode.WRONG_RESULT]
    assert (verified.messages, session.messages) == (
        ["im2col/x on a: wrong result"],
        ["im2col/x on a: wrong result, not timed"],
    )
    assert not session.unfinished  # it stays wrong


def stop(*, timed_out: bool = False) -> Stop:
    """One that was set."""
    made = Stop()
    made.timed_out = timed_out
    made.set()
    return made


@pytest.mark.parametrize(
    ("codes", "other", "expected"),
    [
        ([], {}, ExitCode.DONE),
        ([], {"some_unusable": True}, ExitCode.INFRASTRUCTURE),
        ([ExitCode.WRONG_RESULT], {"some_unusable": True}, ExitCode.WRONG_RESULT),
        ([ExitCode.WRONG_RESULT], {"stop": stop()}, ExitCode.INTERRUPTED),
        ([], {"stop": stop(timed_out=True)}, ExitCode.INFRASTRUCTURE),
        ([ExitCode.WRONG_RESULT], {"stop": stop(timed_out=True)}, ExitCode.WRONG_RESULT),
        ([], {"stop": Stop()}, ExitCode.DONE),
    ],
)
def test_one_exit_code_for_all_devices(codes: list[ExitCode], other: dict[str, Any], expected: ExitCode) -> None:
    assert code_of([DeviceOutcome("a"), DeviceOutcome("b", codes)], **other) == expected


def test_a_fault_of_ours_on_one_device_does_not_take_the_others_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = DeviceOutcome("a")
    with outcome.noting():
        int("9" * 5000)
    assert outcome.codes == [ExitCode.INFRASTRUCTURE] and outcome.messages[0].startswith("ValueError: ")
    assert "Traceback" in capsys.readouterr().err
