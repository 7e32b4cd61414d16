"""--shard I/N as a user writes it."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.model.shard import parse_shard

pytestmark = pytest.mark.unit


def test_a_shard() -> None:
    assert (parse_shard("1/1"), parse_shard("3/12")) == ((1, 1), (3, 12))


@pytest.mark.parametrize(
    "text", ["0/3", "4/3", "a/b", "", "1", "1/0", "-1/3", "1/3/5", " 1/3", "1/99999", "²/3", "1/3\n"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageError) as found:
        parse_shard(text)
    assert found.value.exit_code == ExitCode.USAGE and found.value.message.startswith(f"--shard {text}")
    assert "1/3" in found.value.remedy
