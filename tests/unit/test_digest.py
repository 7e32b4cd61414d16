"""SHA-256 of files: of their content, whatever becomes of one that cannot be read."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from harness.digest import sha256_of, sha256_of_part, sha256_or_none
from harness.errors import UsageError

pytestmark = pytest.mark.unit


def test_it_is_that_of_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"content")
    known = sha256(b"content").hexdigest()
    assert sha256_of(file) == sha256_or_none(file) == sha256_of_part("worker w", file) == known


def test_one_that_cannot_be_read_is_none_or_names_what_it_is_of(tmp_path: Path) -> None:
    assert sha256_or_none(tmp_path / "a") is None
    with pytest.raises(UsageError, match=r"worker w: .*a: No such file"):
        sha256_of_part("worker w", tmp_path / "a")
