"""``harness lab fault``: what is said before any phone is asked."""

import pytest

from harness.cli.lab import Fault
from harness.errors import InfrastructureError, UsageError
from harness.lab.faults import FAULTS, form

pytestmark = pytest.mark.unit


def test_the_list_has_every_fault_with_its_values_and_what_it_does() -> None:
    lines = Fault(table=True)().lines
    assert [line for line in lines if not line.startswith(" ")] == [form(name) for name in FAULTS]
    words = " ".join(line.strip() for line in lines)
    assert all(kind.help in words for kind in FAULTS.values())


@pytest.mark.parametrize(
    ("phone", "faults", "said"),
    [
        ("", [], "name a virtual phone"),
        ("127.0.0.1:6001", ["nosuch"], "no fault is called 'nosuch'"),
        ("127.0.0.1:6001", ["clear", "cut"], "clear stands alone"),
        ("127.0.0.1:6001", ["battery=full"], "'full' is no value of battery"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(phone: str, faults: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Fault(phone=phone, faults=faults)()
    assert caught.value.remedy


def test_a_phone_that_is_not_up_is_named() -> None:
    with pytest.raises(InfrastructureError, match=r"no virtual phone 127\.0\.0\.1:1"):
        Fault(phone="127.0.0.1:1", faults=["cut"])()
