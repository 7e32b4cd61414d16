"""Signatures: real keys of ssh-keygen, and those who may sign."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.bundle import signature
from harness.bundle.signature import sign, signer_of
from harness.errors import UsageError
from tests.conftest import NeedTool

pytestmark = pytest.mark.unit

SUMS = b"ab  manifest.json\n"


def make_key(path: Path, name: str, need_tool: NeedTool) -> str:
    """A key without a passphrase; its public half."""
    subprocess.run(
        [need_tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return path.with_suffix(".pub").read_text()


@pytest.fixture
def signed(tmp_path: Path, need_tool: NeedTool) -> tuple[bytes, Path]:
    """The signature of SUMS, and the file of allowed signers."""
    public = make_key(tmp_path / "key", "ada@lab", need_tool)
    (tmp_path / "SHA256SUMS").write_bytes(SUMS)
    made = sign(tmp_path / "SHA256SUMS", tmp_path / "key")
    assert not (tmp_path / "SHA256SUMS.sig").exists()
    allowed = tmp_path / "allowed"
    allowed.write_text(f'ada@lab namespaces="harness-bundle" {public}')
    return made, allowed


def test_who_signed_is_told(signed: tuple[bytes, Path]) -> None:
    assert signer_of(SUMS, *signed, "b.zip") == "ada@lab"


@pytest.mark.parametrize("sums", [SUMS + b" ", b""])
def test_other_sums_are_not_signed(sums: bytes, signed: tuple[bytes, Path]) -> None:
    with pytest.raises(UsageError, match=r"b.zip: SHA256SUMS.sig: nobody of .* signed this SHA256SUMS"):
        signer_of(sums, *signed, "b.zip")


def test_a_signer_who_is_not_allowed(signed: tuple[bytes, Path], tmp_path: Path, need_tool: NeedTool) -> None:
    signed[1].write_text(f"bob@lab {make_key(tmp_path / 'bob', 'bob@lab', need_tool)}")
    with pytest.raises(UsageError, match="nobody of"):
        signer_of(SUMS, *signed, "b.zip")


def test_a_signer_of_other_things(signed: tuple[bytes, Path]) -> None:
    signed[1].write_text(signed[1].read_text().replace("harness-bundle", "git"))
    with pytest.raises(UsageError, match="nobody of"):
        signer_of(SUMS, *signed, "b.zip")


@pytest.mark.parametrize("data", [b"", b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"])
def test_a_signature_that_is_none(data: bytes, signed: tuple[bytes, Path]) -> None:
    with pytest.raises(UsageError, match="nobody of"):
        signer_of(SUMS, data, signed[1], "b.zip")


def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"--sign .*/none: there is no such file"):
        sign(tmp_path / "x", tmp_path / "none")
    with pytest.raises(UsageError, match=r"--allowed-signers .*/none: there is no such file"):
        signer_of(SUMS, b"", tmp_path / "none", "b.zip")
    (tmp_path / "key").write_text("no key\n")
    monkeypatch.setattr(signature, "_PROGRAM", "no-such-program-of-ssh")
    with pytest.raises(UsageError, match="is not installed"):
        sign(tmp_path / "x", tmp_path / "key")


def test_a_file_that_is_no_key(tmp_path: Path, need_tool: NeedTool) -> None:
    need_tool("ssh-keygen")
    (tmp_path / "key").write_text("no key\n")
    (tmp_path / "SHA256SUMS").write_bytes(SUMS)
    with pytest.raises(UsageError, match=r"--sign .*/key: ssh-keygen could not sign: "):
        sign(tmp_path / "SHA256SUMS", tmp_path / "key")
