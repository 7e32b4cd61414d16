"""What of a package is unpacked, whoever made it."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.comparators import unpacking
from harness.comparators.unpacking import unpack
from harness.errors import InfrastructureError

pytestmark = pytest.mark.unit

TAKE = {"lib/libx.so": "usr/lib/libx.so", "include/x/": "usr/include/x/"}
FILES = {"./usr/lib/libx.so": b"library", "./usr/include/x/a.h": b"a", "./usr/include/x/b/c.h": b"c", "./etc/x": b"no"}


def deb(path: Path, entries: dict[str, bytes | str]) -> Path:
    """A Debian package; an entry of text is a link to it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tar:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": packed.getvalue()}
    text = b"!<arch>\n"
    for name, data in members.items():
        text += f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    path.write_bytes(text)
    return path


def wheel(path: Path, entries: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name.removeprefix("./"))
            info.external_attr = (0o120777 if isinstance(content, str) else 0o100644) << 16
            archive.writestr(info, content)
    return path


@pytest.fixture(params=[(deb, "x.deb"), (wheel, "x.whl")], ids=["deb", "wheel"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, bytes | str]], Path]:
    kind, name = request.param
    return lambda entries: kind(tmp_path / name, entries)


Make = Callable[[dict[str, bytes | str]], Path]


def test_what_is_wanted_is_there_and_nothing_else(make: Make, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    unpack(make({**FILES, "./usr/lib/other": "/etc/passwd"}), TAKE, out)
    there = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert there == {"lib/libx.so": b"library", "include/x/a.h": b"a", "include/x/b/c.h": b"c"}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"./usr/include/x/../../../../../../evil": b"x"}, "leads out of its folder"),
        ({"./usr/lib/libx.so": "/etc/passwd"}, "usr/lib/libx.so is a link, or no plain file"),
        ({"./usr/include/x/link": "../../../.."}, "usr/include/x/link is a link"),
    ],
)
def test_what_is_refused(make: Make, tmp_path: Path, change: dict[str, bytes | str], what: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(InfrastructureError, match=what):
        unpack(make({**FILES, **change}), TAKE, out)
    assert not (tmp_path / "evil").exists() and not any(path.is_symlink() for path in out.rglob("*"))


def test_what_is_absent_damaged_or_too_large(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(InfrastructureError, match=r"it has no usr/lib/libx\.so"):
        unpack(make({"./usr/include/x/a.h": b"a"}), TAKE, tmp_path / "0")
    whole = make(dict(FILES))
    monkeypatch.setattr(unpacking, "MOST_BYTES", 7)
    with pytest.raises(InfrastructureError, match="holds more than"):
        unpack(whole, TAKE, tmp_path / "1")
    whole.write_bytes(whole.read_bytes()[:200])
    with pytest.raises(InfrastructureError, match="it is damaged"):
        unpack(whole, TAKE, tmp_path / "2")
